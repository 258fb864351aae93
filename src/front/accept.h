/* SPDX-License-Identifier: ISC */
#ifndef USHER_FRONT_ACCEPT_H
#define USHER_FRONT_ACCEPT_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "../common/message.h"
#include "ends.h"

/*
 * Accepts connections from listening sockets that all fronts have, so that
 * each front gets its share of them and is woken for no others.  Fronts share
 * no memory: each goes by what it has itself.
 */

struct accept_listener {
	int		fd;		/* non-blocking */
	enum protocol	protocol;
	unsigned int	changed;	/* tcp_options_off(), at the start */
	bool		given;		/* and still: it is not our own */
};

/* What a front says about itself, and is told. */
struct accept_front {
	unsigned int	shards;		/* fronts at these listeners, this one
					 * among them; 1: shares with none */
	/* Could one of this protocol be taken in now? */
	bool		(*room)(enum protocol protocol);
	/* How many places are in use, and in total how many there are (> 0). */
	unsigned int	(*used)(unsigned int *total);
	/* A connection just accepted, which is the front's from now on. */
	void		(*taken)(int client, enum protocol protocol,
			    const struct ends *ends);
	/* accept4(2) failed with this errno, for the first time since it was
	 * last possible; it is tried again every 20 ms. */
	void		(*says)(int error);
	/* This descriptor is not needed any more: to be closed. */
	void		(*shut)(int listener);
	/* All is over that accept_stop() began; the descriptors are closed. */
	void		(*over)(void);
};

/*
 * Both are copied, but what front points to must stay.  Exits 1 when there is
 * no memory.
 */
void	accept_make(struct event_base *base, const struct accept_front *front,
	    const struct accept_listener *sockets, size_t n);
/* Begins to accept.  Exits 1 when the system does not let it. */
void	accept_start(void);
/*
 * Accepts no more but what this front has been woken for already, and closes
 * the descriptors.  sweep: what waits in the backlog is taken in too, as far as
 * there is room, because nobody else will.  Calls over(), never before it
 * returns.  A second call changes nothing.
 */
void	accept_stop(bool sweep);

#endif
