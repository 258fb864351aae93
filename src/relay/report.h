/* SPDX-License-Identifier: ISC */
#ifndef USHER_REPORT_H
#define USHER_REPORT_H

#include <sys/queue.h>

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "../common/message.h"

/*
 * What a relay says to its front, with what else is said in the same turn of
 * the loop.  Nothing blocks and nothing grows: what has not been written is
 * kept in the record of the connection that it is about, whose reports are
 * said in the order of enum report_kind, which is that in which they come.
 */
struct unsaid {
	TAILQ_ENTRY(unsaid) link;
	uint32_t	id;		/* of the connection */
	uint8_t		kinds;		/* 1 << enum report_kind, or 0: it is
					 * in no list */
	bool		over;		/* the connection has ended: when that
					 * is said, so is REPORT_ENDED */
};

/*
 * said is called for a record that is over once all about it was said.  gone
 * is called once, when nobody reads the reports any more.  Exits 1 without
 * memory.
 */
void	report_make(struct event_base *base, void (*said)(struct unsaid *),
	    void (*gone)(void));
/* REPORT_READY or REPORT_PONG, behind what was said before. */
void	report_own(enum report_kind kind);
/* REPORT_MOVED, REPORT_LONELY or REPORT_LEFT of a connection. */
void	report(struct unsaid *unsaid, enum report_kind kind, uint32_t id);
/* The front wants to hear no more of it. */
void	report_forget(struct unsaid *unsaid);
/* A connection has ended.  Gives whether its record is free; else said() will
 * be called. */
bool	report_ended(struct unsaid *unsaid);
/* From now on nobody listens: what was not said is forgotten. */
void	report_mute(void);

#endif
