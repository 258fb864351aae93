/* SPDX-License-Identifier: ISC */
#ifndef USHER_SLOTS_H
#define USHER_SLOTS_H

#include "../common/message.h"

/*
 * The parent's own descriptors (listeners, pipes and sockets of children, the
 * hosts directory, the log) all have numbers below SLOTS_BASE, and every such
 * number is always in use, by /dev/null if by nothing better.  So whatever
 * accept(2) and connect(2) give has a number from SLOTS_BASE on, and the
 * sandbox can tell by the number what may be read.
 */
enum {
	SLOTS_BASE = KEYS_END,
	SLOTS_FIXED = KEYS_FIRST	/* from here on: hosts/, the programs */
};

/* First of all: 0 to 2 are in use, by /dev/null where they were closed, so
 * that nothing else comes to bear their numbers. */
void	slots_stdio(void);
/* Descriptors that we inherited and know nothing of are not for children,
 * however high their numbers. */
void	slots_inherited(void);
/* Gives fd a number of those that never change; fd itself is closed. */
int	slot_fix(int fd);

/*
 * stdin and stdout become /dev/null, and the numbers that children find in use
 * at their start are filled; once inherited listeners are out of the way.
 */
void	slots_reserve(void);
/* Fills the rest; after everything of ours is open.  Exits 1 when one of
 * ours has not found room. */
void	slots_fill(void);
/* A number of ours whose contents slot_put() may change. */
int	slot_new(void);
/* fd takes the place of what was in the slot; fd itself is closed. */
void	slot_put(int slot, int fd);
/* The slot holds /dev/null again. */
void	slot_empty(int slot);

#endif
