/* SPDX-License-Identifier: ISC */
#ifndef USHER_GRANTED_H
#define USHER_GRANTED_H

#include <event2/event.h>
#include <stdbool.h>

#include "../common/message.h"

/*
 * Is this a legal record, whatever connection it is about?  Pure.
 *
 *	id, backend	not 0
 *	up, down	below 2^63, or GRANT_UNLIMITED
 *	flags		those of enum grant_flag; of FINISH, LAST, TUNNEL and
 *			CUT one at most; of HURRY and CALM one at most; STOP
 *			with TELL_UP, TELL_DOWN and AWAY only, and no bytes
 *	serial		any: word.h
 *
 * It says something: it has a byte or a flag.
 */
bool	granted_allowed(const struct grant *grant);
/* Adds to what is left of a grant; gives false, and nothing is added, when
 * both together are no legal one.  Pure. */
bool	granted_add(uint64_t *left, uint64_t more);

/*
 * Reads CHILD_GRANT from now on.  take is called for each legal record, and
 * gives false for one that its connection cannot be told.  lost is called
 * once, when usherd-http has died or, a breach, has said what is not legal:
 * nothing is read any more then.  Exits 1 without memory.
 */
void	granted_make(struct event_base *base,
	    bool (*take)(const struct grant *), void (*lost)(bool breach));

#endif
