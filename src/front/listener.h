/* SPDX-License-Identifier: ISC */
#ifndef USHER_LISTENER_H
#define USHER_LISTENER_H

#include <event2/event.h>
#include <stdbool.h>

#include "../usherd/options.h"

/*
 * Opens all listening sockets: those of the options, else those of
 * LISTEN_FDS (sd_listen_fds(3)), else descriptor 0.  Exits 1 with a line on
 * stderr when one cannot be had or there is none.  Says in wanted which
 * protocols there are.
 */
void	listeners_open(const struct options *options,
	    bool wanted[PROTOCOL_COUNT]);
/* Begins to accept, with a line in the log for each. */
void	listeners_start(struct event_base *base);
/*
 * Accepts no more and closes the sockets.  sweep: what waits in the backlog is
 * taken in first, because nobody else will.
 */
void	listeners_stop(bool sweep);

#endif
