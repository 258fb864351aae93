/* SPDX-License-Identifier: ISC */
#ifndef USHER_INFLIGHT_H
#define USHER_INFLIGHT_H

#include <event2/event.h>
#include <stdbool.h>

#include "hosts.h"

/*
 * Hand-offs that their tenants have not picked up yet.  Descriptors in flight
 * are counted per sending user, against RLIMIT_NOFILE (unix(7),
 * ETOOMANYREFS): a tenant who accepts and never receives could use them up
 * for everybody.  So each message's stream is kept until the message has been
 * taken (outq.h), and their numbers are bounded per host, per owner of hosts,
 * and in all.  One that nobody picks up costs nothing while it lies there.
 */

/* Room for max of them in all.  Exits 1 when there is no memory. */
void	inflight_make(struct event_base *base, unsigned int max);

/* May one more be sent to this tenant?  Looks again at what he has left. */
bool	inflight_room(const struct tenant *tenant);

/*
 * The client was sent on this stream.  Both are now ours; our copy of the
 * client is closed at once, and without waiting, whatever the tenant has done
 * with it.  There was room.
 */
void	inflight_add(const struct tenant *tenant, int stream, int client);

/* How many there are now. */
unsigned int inflight_now(void);

#endif
