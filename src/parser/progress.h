/* SPDX-License-Identifier: ISC */
#ifndef USHER_PROGRESS_H
#define USHER_PROGRESS_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "../common/message.h"

/*
 * What usherd-http hears from its relay.
 */

/* Of a connection: what has been said about it. */
struct progress_context {
	uint32_t	backend;	/* the present one's number, 0: none */
	uint32_t	serial;		/* of the last grant */
	uint64_t	up;		/* bytes that are not known to have */
	uint64_t	down;		/* moved */
};

/* May a relay say this, of whatever connection?  Pure. */
bool	progress_legal(const struct progress *progress);
/* May it say this of that one?  Pure. */
bool	progress_possible(const struct progress *progress,
	    const struct progress_context *context);

/*
 * heard() is called for each record that is legal; one that is not ends the
 * process.  lost() is called once, when the relay has ended.  Exits 1 without
 * memory.
 */
void	progress_make(struct event_base *base,
	    void (*heard)(const struct progress *), void (*lost)(void));

#endif
