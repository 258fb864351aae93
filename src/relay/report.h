/* SPDX-License-Identifier: ISC */
#ifndef USHER_REPORT_H
#define USHER_REPORT_H

#include "../child/outbox.h"
#include "../common/message.h"

/*
 * What a relay says to its front: how each connection has ended, in the
 * record that it had.
 */
struct unsaid {
	struct outgoing	outgoing;	/* first */
	struct report	report;
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
/* A connection has ended; how stands in its record. */
void	report_ended(struct unsaid *unsaid);

#endif
