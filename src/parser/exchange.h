/* SPDX-License-Identifier: ISC */
#ifndef USHER_EXCHANGE_H
#define USHER_EXCHANGE_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../child/idmap.h"
#include "../common/refusal.h"
#include "chunks.h"
#include "grants.h"
#include "peek.h"
#include "request.h"
#include "response.h"

/*
 * A client's connection to usherd-http, which carries one exchange at a time:
 * what is known of it, what is said about it, and how it ends.  What happens
 * to it is decided in http.c.
 */
enum exchange_state {
	EXCHANGE_FREE,		/* no connection is in this place */

	/* the front has the client's socket */
	EXCHANGE_FIRST,		/* nothing of a request so far */
	EXCHANGE_FIRST_HEAD,	/* a part of a head */

	EXCHANGE_ASKED,		/* the front knows of a request: a backend
				 * follows, or that it is dropped */

	/* a relay has both sockets */
	EXCHANGE_OPEN,		/* a request or its response is on its way:
				 * enum exchange_up, enum exchange_down */
	EXCHANGE_NEXT,		/* between two, and nothing of the next */
	EXCHANGE_NEXT_HEAD,	/* a part of a head */
	EXCHANGE_STOPPING,	/* a kept backend has ended unasked: the relay
				 * is to say how much it had of the request */

	/* the copies are closed */
	EXCHANGE_LEAVING,	/* the last grant has not left */
	EXCHANGE_LEFT		/* the last verdict has not left */
};

/* The request, while it is EXCHANGE_OPEN. */
enum exchange_up {
	UP_WHOLE,		/* is granted to its last byte */
	UP_HEAD,		/* the head alone: the body may wait for an
				 * answer */
	UP_EXPECTED,		/* the same, and that has moved: the body is
				 * granted once a byte of it is there */
	UP_MOVING,		/* a part of its chunks is granted, and must
				 * move before more can be seen */
	UP_WALKING,		/* the next of its chunks must come */
	UP_CUT			/* the rest does not come, or may not pass */
};

/* Its response. */
enum exchange_down {
	DOWN_LOOKING,		/* more of it must come */
	DOWN_MOVING,		/* a part is granted, and must move before more
				 * can be seen */
	DOWN_PASSING,		/* has no known end: all of it may pass, and the
				 * request is still read */
	DOWN_WHOLE,		/* is granted to its last byte */
	DOWN_MOVED,		/* has moved to its last byte */
	DOWN_HURRYING,		/* the same, and the relay knows that only the
				 * request is left */
	DOWN_CALMING		/* the same, and is told that that has moved */
};

/* One direction's grants. */
struct flow {
	uint64_t	left;	/* bytes not known to have moved */
	uint32_t	serial;	/* of the last grant that counts */
};

struct exchange {
	struct idnode		 node;		/* first: in ids */
	struct peek		 client;
	struct peek		 backend;	/* closed: there is none */
	struct grant_place	 grants;
	struct timeout		 timer;
	struct exchange		*next_free;
	struct chunks		 chunks;
	struct response_to	 to;
	struct response		 response;
	struct flow		 upward;
	struct flow		 downward;
	uint64_t		 ready;		/* bytes to be granted when it
						 * begins */
	uint64_t		 body;		/* that follow them, of
						 * BODY_LENGTH */
	uint64_t		 granted;	/* up, since it began */
	enum exchange_state	 state;
	enum exchange_up	 up;
	enum exchange_down	 down;
	enum request_body	 framing;	/* of the request */
	enum request_target	 target;
	struct hostname		 name;
	uint32_t		 number;	/* of the backend, 0: none so
						 * far */
	uint32_t		 heard;		/* serial of the last grant that
						 * the relay has read */
	bool			 fresh;		/* it has answered nothing */
	bool			 last;		/* nothing may follow */
	bool			 distant;	/* ready ends far behind what
						 * can be seen */
	bool			 away;		/* GRANT_AWAY was said */
	bool			 wide;		/* the last look at the backend
						 * found much */
};

/* Beyond so many bytes that cannot be seen yet, those that come wake nobody:
 * that costs two system calls. */
enum { EXCHANGE_DISTANT = 16 * 1024 };

struct exchange_events {
	void	(*client)(struct peek *);	/* a look is due */
	void	(*backend)(struct peek *);	/* a look is due */
	void	(*late)(struct exchange *);	/* its state's time is over */
	void	(*freed)(void);			/* a place is */
};

/* Places for n; lost is say_make()'s and grants_make()'s.  Exits 1 without
 * memory. */
void	exchanges_make(struct event_base *loop, size_t n,
	    const struct exchange_events *events, void (*front_lost)(void),
	    void (*relay_lost)(void));
/* How many there are that are not EXCHANGE_FREE. */
size_t	exchanges_count(void);
/* Calls for each whose copies are not closed. */
void	exchanges_each(void (*call)(struct exchange *));

/* A new one.  More than n are more than agreed, and end the process. */
struct exchange *exchange_new(uint32_t id, int client);
/* NULL where there is none, or its copies are closed. */
struct exchange *exchange_find(uint32_t id);
struct exchange *exchange_of_client(struct peek *client);
struct exchange *exchange_of_backend(struct peek *backend);

/* Its state is that from now on, and the timer, if any, runs anew. */
void	exchange_enter(struct exchange *exchange, enum exchange_state state);
/* Its backend is this one from now on, which it owns. */
void	exchange_attach(struct exchange *exchange, int backend);

/* Grants more, and keeps account of it. */
void	exchange_grant(struct exchange *exchange, uint64_t up, uint64_t down,
	    unsigned int flags);
/* Stops its grants up, by as much as can be known. */
void	exchange_stop(struct exchange *exchange);
/* Has the relay read all that was said of it?  Only then the front may tell
 * the relay of another backend, of which these records are not. */
bool	exchange_heard(const struct exchange *exchange);
/* Have all grants that count been read when the relay said this? */
bool	flow_covered(const struct flow *flow, const struct progress *progress);

/* VERDICT_NAMED or VERDICT_NAMELESS, whatever its request says. */
void	exchange_ask(struct exchange *exchange);
/* These close the copies.  The last grant, then VERDICT_GONE: */
void	exchange_leave(struct exchange *exchange, uint64_t up, uint64_t down,
	    unsigned int flags);
/* VERDICT_GONE; what is unsaid to the relay is forgotten: */
void	exchange_gone(struct exchange *exchange);
/* VERDICT_REFUSED: */
void	exchange_refuse(struct exchange *exchange, enum refusal refusal);

#endif
