/* SPDX-License-Identifier: ISC */
#ifndef USHER_HANDOFF_H
#define USHER_HANDOFF_H

#include <event2/event.h>
#include <stdbool.h>

#include "../common/message.h"
#include "../common/refusal.h"
#include "lookup.h"

/*
 * Giving a client's own socket to a tenant.  Descriptors in flight are counted
 * by the kernel per sending user, against RLIMIT_NOFILE (unix(7),
 * ETOOMANYREFS): a tenant who accepts and never receives could use them up for
 * everybody.  So each stream is kept until what was sent on it has been taken,
 * and their numbers are bounded per host, per owner of hosts, and in all.
 */

/*
 * Room for max of them in all, which is this process's share of what the
 * kernel counts.  Exits 1 when there is no memory.
 */
void	handoff_make(struct event_base *base, unsigned int max);

/* May one more be sent to this tenant?  Looks again at what he has left. */
bool	handoff_room(const struct tenant *tenant);

/*
 * Sends the client's descriptor on stream, a connection to the tenant's
 * -handoff socket, with the options that accept(2) would have given it:
 * changed is what tcp_options_off() said of its listener.  What is sent stands
 * in ../accept/usher_accept.h and usher-handoff(7).  stream is taken in any
 * case.  Gives REFUSAL_NONE, and our copy of the client is closed, without
 * waiting whatever the tenant has done with it; or REFUSAL_UNPICKED when
 * nothing was sent and the client's socket, still the caller's, is as it was
 * before: too much is in flight already, or the tenant is gone.
 */
enum refusal	handoff_pass(const struct tenant *tenant, int stream,
		    enum protocol protocol, int client, unsigned int changed);

/* How many have not been picked up yet. */
unsigned int	handoff_inflight(void);

#endif
