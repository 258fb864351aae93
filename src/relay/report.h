/* SPDX-License-Identifier: ISC */
#ifndef USHER_REPORT_H
#define USHER_REPORT_H

#include <sys/queue.h>

#include <event2/event.h>
#include <stdbool.h>

#include "../common/message.h"

/*
 * What a relay says to its front, with what else is said in the same turn of
 * the loop.  Nothing blocks and nothing grows: what has not been written is
 * kept in the record of the connection that it is about.
 */
struct unsaid {
	TAILQ_ENTRY(unsaid) link;
	struct report	report;
	bool		listed;
};

/*
 * said is called once the front has heard of an end, or once nobody reads the
 * reports any more: the record is free then.  gone is called once, when that
 * is so.  Exits 1 without memory.
 */
void	report_make(struct event_base *base, void (*said)(struct unsaid *),
	    void (*gone)(void));
/* REPORT_READY, PONG or BREACH, behind what was said before. */
void	report_own(enum report_kind kind);
/* A connection has ended; how stands in its record.  May call said(). */
void	report_ended(struct unsaid *unsaid);
/* From now on nobody listens: what was not said is forgotten. */
void	report_mute(void);

#endif
