/* SPDX-License-Identifier: ISC */
#ifndef USHER_TOLD_H
#define USHER_TOLD_H

#include "../child/outbox.h"
#include "../common/message.h"

/*
 * What a relay says to its usherd-http: that something has happened to a
 * connection.  What is said in the end is how things stand then.
 */

/*
 * fill is called for a record when it is written; said once the pipe has it,
 * or nobody reads that any more.  Without this there is no usherd-http.  Exits
 * 1 without memory.
 */
void	told_make(struct event_base *base,
	    void (*fill)(const struct outgoing *, void *progress),
	    void (*said)(struct outgoing *));
/* Progress is to be said. */
void	told_progress(struct outgoing *untold);
/* From now on nobody listens. */
void	told_mute(void);

#endif
