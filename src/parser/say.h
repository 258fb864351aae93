/* SPDX-License-Identifier: ISC */
#ifndef USHER_SAY_H
#define USHER_SAY_H

#include <event2/event.h>
#include <stddef.h>

#include "../common/message.h"

/*
 * What a parser says to its front.  Nothing blocks and nothing grows: a
 * connection has at most one verdict that has not been written, and a place
 * for it.  The places are touched only while the pipe is full.
 */

/* Bytes of memory for each connection. */
enum { SAY_MEMORY = sizeof(struct verdict) + 2 * sizeof(void *) };

/*
 * For connections 0 to n - 1.  said(number) is called when the verdict about
 * that one has been written; lost() once, when the front reads no more: what
 * is said from then on counts as written.  Exits 1 without memory.
 */
void	say_make(struct event_base *base, size_t n, void (*said)(size_t),
	    void (*lost)(void));

/*
 * Says it with what else is said in this turn of the loop, or when the pipe
 * takes more.  A verdict about the same connection that has not been written
 * is forgotten for this one.
 */
void	say(size_t number, const struct verdict *verdict);

/* VERDICT_READY or VERDICT_PONG. */
void	say_own(enum verdict_code code);

#endif
