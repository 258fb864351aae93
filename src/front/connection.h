/* SPDX-License-Identifier: ISC */
#ifndef USHER_CONNECTION_H
#define USHER_CONNECTION_H

#include "backend.h"
#include "children.h"
#include "../common/states.h"

/*
 * The table of connections: those of which something is still to be decided,
 * from accept(2) until nothing more will be said about one.  Their sockets are
 * never read from here.  Only machine.c changes what is in state.
 */
enum {
	CONNECTION_TRIES = 10	/* half a second for a full backlog to clear */
};

struct connection {
	enum connection_state	 state;
	enum protocol		 protocol;
	int			 client;	/* -1 once a relay has it */
	uint32_t		 generation;
	struct child		*parser;	/* while it has copies */
	struct child		*relay;		/* once it has it */
	struct ends		 ends;
	enum refusal		 refusal;	/* the reason, once there is
						 * one */
	unsigned int		 tries;
	struct query		*query;		/* a look-up that waits, or
						 * NULL: find.h */
	enum handoff		 handoff;	/* what may be tried */
	bool			 untold;	/* a descriptor is on its way
						 * to the parser, which cannot
						 * speak of it yet */

	/* the request that was named last, as the parser described it */
	bool			 named;
	bool			 acme;
	bool			 head;		/* a HEAD */
	struct hostname		 name;

	struct timeout		 age;
	enum connection_timer	 timer;		/* where age is */
	struct connection	*next_free;
};

/*
 * A table for n of them; exits 1 when there is no memory.  expired is called
 * when a timer is over, and freed whenever a place has become free.
 */
void	connections_make(struct event_base *base, unsigned int n,
	    void (*expired)(struct connection *), void (*freed)(void));
/* How many there are now. */
unsigned int	connections_present(void);
/* The same, and how many there can be. */
unsigned int	connections_used(unsigned int *total);
/* One more, or one fewer, that neither a relay nor a tenant has: figures. */
void	connections_decided(bool decided);
/* Is a place free? */
bool	connections_room(void);
/* All that there are, one after the other, beginning behind NULL; NULL: no
 * more.  The one at hand may be freed meanwhile. */
struct connection	*connections_next(struct connection *connection);

/* Takes a free place, in which all is 0 but what makes its id another one than
 * the last that was there.  There was room. */
struct connection	*connection_new(void);
/* Closes its client, when it is here.  Nobody else knows its id any more. */
void	connection_free(struct connection *connection);
uint32_t	connection_id(const struct connection *connection);
/* The one that has this id now, or NULL. */
struct connection	*connection_of(uint32_t id);
/* From now on, if this timer does not run already. */
void	connection_time(struct connection *connection,
	    enum connection_timer timer);

#endif
