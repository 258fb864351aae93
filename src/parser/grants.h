/* SPDX-License-Identifier: ISC */
#ifndef USHER_GRANTS_H
#define USHER_GRANTS_H

#include <stdint.h>

#include "../child/outbox.h"
#include "../common/message.h"

/*
 * What usherd-http says to its relay.  A connection has one record at most
 * that has not been written, into which all goes that is said of it meanwhile.
 */
struct grant_place {
	struct outgoing	 outgoing;	/* first */
	struct grant	 grant;		/* with the serial of the last record */
};

/*
 * No body has so many bytes: 2^62.  What would be more is granted as that, so
 * that no sum that a client or a tenant can bring about is a breach.
 */
#define GRANTS_MOST	(UINT64_MAX >> 2)

/*
 * said(place) is called when a record has been written; lost() once, when the
 * relay reads no more: what is said from then on counts as written.  Exits 1
 * without memory.
 */
void	grants_make(struct event_base *base, void (*said)(struct grant_place *),
	    void (*lost)(void));

/* A place for the connection id, of which nothing has been said. */
void	grants_begin(struct grant_place *place, uint32_t id);

/*
 * Says it with what else is said in this turn of the loop, or when the pipe
 * takes more.  up and down are bytes more; what is granted down without
 * GRANT_OPEN ends the response.  Gives the serial of the record with which it
 * goes.
 */
uint32_t grants_say(struct grant_place *place, uint32_t backend, uint64_t up,
	    uint64_t down, unsigned int flags);

/*
 * The relay is to stop, and say how much it has taken of what was granted up:
 * what has not been written of that never is.  Gives how many bytes that were.
 */
uint64_t grants_stop(struct grant_place *place, uint32_t backend,
	    uint32_t *serial);

/* What has not been written of it never is. */
void	grants_forget(struct grant_place *place);

#endif
