/* SPDX-License-Identifier: ISC */
#ifndef USHER_CONNECTION_H
#define USHER_CONNECTION_H

#include "backend.h"
#include "channel.h"
#include "children.h"

/*
 * A connection is a connection of which the parent still has something to
 * decide: from accept(2) until it needs to say nothing more about it.  The
 * parent never reads from it.  connection.c has the table and turns what happens
 * into events; machine.c says what follows from them.
 */
enum connection_state {
	CONNECTION_FREE,
	CONNECTION_SHOWN,		/* a parser looks at its first bytes */
	CONNECTION_WAITING,	/* for a look-up, for the tenant's backlog, or
				 * for a relay */
	CONNECTION_PARTING,	/* to be handed off once the parser let go */
	CONNECTION_MOVING,		/* a relay moves what was granted */
	CONNECTION_LOOKING,	/* all moved; the parser looks for more */
	CONNECTION_BUSY,		/* the same, for the next tenant */
	CONNECTION_LEAVING,	/* gone but for the parser's copy */
	CONNECTION_STATES
};

enum connection_event {
	EVENT_REQUEST,		/* parser: a request, and for whom */
	EVENT_MORE,		/* parser: more of the same request */
	EVENT_REFUSED,		/* parser: what came is refused */
	EVENT_GONE,		/* parser: the client has ended */
	EVENT_MOVED,		/* relay: the grant is used up */
	EVENT_LONELY,		/* relay: the tenant closed, more is coming */
	EVENT_LEFT,		/* relay: it has ended */
	EVENT_LATER,		/* time to try again */
	EVENT_PARSER_LOST,
	EVENT_RELAY_LOST,
	CONNECTION_EVENTS
};

enum {
	BUSY_TRIES = 10		/* half a second for a full backlog to clear */
};

struct connection {
	enum connection_state	 state;
	enum protocol		 protocol;
	int			 client;	/* -1 once a relay has it */
	uint32_t		 generation;
	struct child		*parser;	/* while it has a copy */
	struct child		*relay;		/* once it has it */
	struct ends		 ends;
	enum refusal		 refusal;	/* decided already, or NONE */
	unsigned int		 tries;
	struct query		*query;		/* a look-up that waits, or
						 * NULL: find.h */
	enum handoff		 handoff;	/* what may be tried */
	bool			 unrelayed;	/* there was no relay for it */
	bool			 asked;		/* the parser owes a verdict */
	bool			 answered;	/* REPORT_MOVED has come, and no
						 * REPORT_LONELY since */

	/* the present request */
	uint64_t		 grant;
	bool			 named;
	bool			 acme;
	bool			 kept;		/* more verdicts will come */
	bool			 partial;	/* it goes on after the grant */
	bool			 pipelined;	/* the one before it may not be
						 * answered yet */
	bool			 begun;		/* and part of it has passed */
	bool			 elsewhere;	/* not for the present backend */
	bool			 in_place;	/* the last word was a grant for
						 * the present backend */
	struct hostname		 name;

	struct timeout		 age;
	struct timeouts		*listed;	/* where age is, or NULL */
	struct connection		*next_free;
};

/* A table for n of them; exits 1 when there is no memory.  done is called
 * whenever one has left. */
void	connections_make(struct event_base *base, unsigned int n,
	    void (*done)(void));
/* Places in use, and how many there are. */
unsigned int	connections_used(unsigned int *total);
/* How many there are now. */
unsigned int	connections_present(void);
/* And of those how many no relay has yet. */
unsigned int	connections_unrelayed(void);
/* Could one of this protocol be taken in now? */
bool	connection_room(enum protocol protocol);
/* Takes in a connection just accepted, which now belongs to the connection. */
void	connection_begin(int client, enum protocol protocol,
	    const struct ends *ends);

/* For struct child_listener. */
int	connection_verdict(struct child *parser, const struct verdict *verdict);
int	connection_report(struct child *relay, const struct report *report);
void	connections_lost(struct child *child);

/* For machine.c. */
uint32_t connection_id(const struct connection *connection);
void	connection_free(struct connection *connection);
/* Shows it to a parser, whose turn it is then.  Gives -1 when there is none. */
int	connection_show(struct connection *connection);
/* EVENT_LATER after a moment. */
void	connection_later(struct connection *connection);
/* The same when its query has been answered, or after PATIENCE_MS. */
void	connection_asked(struct connection *connection);
/* The parser must answer within OVERDUE_MS. */
void	connection_awaited(struct connection *connection);
/* The parser has no copy any more. */
void	connection_unkept(struct connection *connection);

/* May this happen in the connection's state? */
bool	machine_allows(const struct connection *connection, enum connection_event event);

/*
 * machine.c: does what the table there says.  request is what the parser
 * said, where it said something; the event has been found to be about this
 * connection and from its own parser or relay.  Gives -1 when it must not happen
 * in this state: the child broke the rules.
 */
int	machine_step(struct connection *connection, enum connection_event event,
	    const struct verdict *verdict);

#endif
