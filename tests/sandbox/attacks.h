/* SPDX-License-Identifier: ISC */
#ifndef USHER_ATTACKS_H
#define USHER_ATTACKS_H

#include "../../src/common/message.h"

/*
 * What a process of ours that was taken over might try.  The programs in
 * which this is linked are for tests only: each is the shipped one with one
 * function wrapped by the linker, so that a host name makes it misbehave.
 *
 *   eyes-ATTACK.anything	the parser that reads the name does it
 *   keys-ATTACK.anything	the front does it when it looks the host up
 *   hands-ATTACK.anything	the front has a relay refuse the client, and
 *				the order to do so makes the relay do it
 *
 * The table in attacks.c is read by tests/e2e/test_sandbox.py too; the calls
 * themselves are in calls.c.
 */
enum {
	EYES = 1,
	HANDS = 2,
	KEYS = 4,
	EYES_ALONE = 8,		/* of those who are not one of a pair, too: */
	HANDS_ALONE = 16	/* parser and relay for TLS */
};

/* Does the attack that name is called after, if it is one of this role's.
 * Returns when there is none, or when nothing stopped it. */
void	attack_by_name(unsigned int role, const char *name);
/* Its number in the table: 0 and up, or -1. */
int	attack_number(unsigned int role, const char *name);

/*
 * The number travels from the front to a relay in a byte of the order that
 * nothing else uses.  The relay takes it out before its own code sees the
 * order, and does the attack.
 */
void	order_of_attack(struct order *order, int number);
void	attack_of_order(struct order *order);

#endif
