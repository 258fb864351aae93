/* SPDX-License-Identifier: ISC */
#ifndef USHER_INFLIGHT_H
#define USHER_INFLIGHT_H

#include <event2/event.h>
#include <stdbool.h>

#include "lookup.h"

/*
 * For handoff.c alone: how many hand-offs are in flight, and whose they are.
 * One that nobody picks up costs nothing while it lies there.
 */

/* Room for max of them in all.  Exits 1 when there is no memory. */
void	inflight_make(struct event_base *base, unsigned int max);

/* May one more be sent to this tenant?  Looks again at what he has left. */
bool	inflight_room(const struct tenant *tenant);

/* One was sent on this stream, which is now ours, and closed when what was
 * sent has been taken (outq.h).  There was room. */
void	inflight_add(const struct tenant *tenant, int stream);

/* How many there are now. */
unsigned int	inflight_now(void);

#endif
