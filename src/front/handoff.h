/* SPDX-License-Identifier: ISC */
#ifndef USHER_HANDOFF_H
#define USHER_HANDOFF_H

#include "../common/message_send.h"

/*
 * Sends the client's descriptor on a connection to a -handoff socket, with
 * the options that accept(2) would have given it: changed is what
 * tcp_options_off() said of its listener.  What is sent stands in
 * ../accept/usher_accept.h and usher-handoff(7).  Both descriptors stay the
 * caller's.  Gives 0, or -1 when nothing was sent and the client's socket is
 * as it was before: the tenant is gone, or too many descriptors are in flight.
 */
int	handoff_send(int stream, enum protocol protocol, int client,
	    unsigned int changed);

#define handoff_make inflight_make
#include "inflight.h"
#endif
