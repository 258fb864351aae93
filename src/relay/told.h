/* SPDX-License-Identifier: ISC */
#ifndef USHER_TOLD_H
#define USHER_TOLD_H

#include <sys/queue.h>

#include <event2/event.h>
#include <stdbool.h>

#include "../common/message.h"

/*
 * What a relay says to its usherd-http, with what else is said in the same
 * turn of the loop.  Nothing blocks and nothing grows: progress that has not
 * been said is no more than a place in a list, and what is said in the end is
 * how things stand then.
 */
struct untold {
	TAILQ_ENTRY(untold) link;
	bool		listed;
};

/*
 * fill is called for a record when it is written.  said is called once the
 * pipe has it, or once nobody reads that any more.  Exits 1 without memory.
 */
void	told_make(struct event_base *base,
	    void (*fill)(const struct untold *, struct progress *),
	    void (*said)(struct untold *));
/* Progress is to be said. */
void	told_progress(struct untold *untold);
/* From now on nobody listens: what was not said is forgotten. */
void	told_mute(void);

#endif
