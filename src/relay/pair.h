/* SPDX-License-Identifier: ISC */
#ifndef USHER_PAIR_H
#define USHER_PAIR_H

#include <event2/event_struct.h>
#include <stdbool.h>

#include "../child/idmap.h"
#include "../common/message.h"
#include "../common/timeouts.h"
#include "mover.h"
#include "report.h"

/*
 * A connection in a relay's hands: two sockets, two directions, each of which
 * ends by itself (half-close).  pair.c has its beginning and end, run.c moves
 * the bytes, word.c does what the front says about it later.
 */
struct side {
	struct event	event;
	event_callback_fn ready;
	int		fd;		/* -1: none */
	short		watched;	/* EV_READ, EV_WRITE, EV_CLOSED */
	bool		readable;	/* false once it gave EAGAIN */
	bool		writable;
};

/* One direction: bytes from a side, on their way to the other. */
struct flow {
	struct load	load;
	bool		ended;	/* nothing more will be taken in */
	bool		shut;	/* and the receiver has been told */
};

enum pair_state {
	PAIR_MOVING,
	PAIR_LONELY,		/* no backend: waits for the front's answer */
	PAIR_GOODBYE		/* the client has been told all */
};

/* What comes when the present response is over. */
enum next_kind {
	NEXT_NONE,
	NEXT_BACKEND,
	NEXT_REFUSE,
	NEXT_CLOSE
};

struct pair {
	struct idnode	 node;		/* first; id 0: the front will say
					 * nothing more about it */
	struct unsaid	 unsaid;	/* to the front */
	struct side	 client;	/* fd -1: there is no such pair */
	struct side	 backend;
	struct flow	 up;		/* client to backend */
	struct flow	 down;
	uint64_t	 grant;		/* bytes that up may still take in */
	struct order	 next_order;	/* NEXT_BACKEND: the grant that follows */
	int		 next_backend;
	unsigned char	 next;		/* enum next_kind */
	unsigned char	 next_refusal;
	unsigned char	 state;		/* enum pair_state */
	bool		 partial;	/* the request goes on after the grant */
	bool		 answered;	/* a response to it has begun */
	bool		 told;		/* REPORT_MOVED of this grant */
	bool		 patient;	/* next waits for the response to fall
					 * silent */
	bool		 client_ended;	/* its FIN has been seen */
	bool		 client_read;	/* and all before it taken in */
	bool		 queued;
	bool		 broken;	/* to be ended when it is run next */
	struct timeout	 age;
	struct timeouts	*listed;	/* where age is, or NULL */
	TAILQ_ENTRY(pair) turn;		/* in turns while queued */
	struct pair	*next_free;
};

/*
 * A table for so many connections; gone: report_make().  Exits 1 without
 * memory.
 */
void		 pair_table(size_t n, void (*gone)(void));
/* Begins to move between two sockets, which now belong to the pair. */
void		 pair_relay(const struct order *order, int client,
		    int backend);
/* Answers with a constant, says goodbye, closes. */
void		 pair_refuse(int client, unsigned int refusal);
/* How many there are. */
size_t		 pairs_live(void);
/*
 * The front will say nothing more: each one of which it would have goes on to
 * the end of what it is at, and the others as they are.
 */
void		 pairs_drain(void);

struct pair	*pair_find(uint32_t id);
void		 pair_end(struct pair *pair);
/* Ends its sending and discards what the client still sends, for a moment. */
void		 pair_goodbye(struct pair *pair);
/* Answers with a constant first. */
void		 pair_answer(struct pair *pair, unsigned int refusal);
/* A new backend in place of the old one, if any. */
void		 pair_attach(struct pair *pair, int backend);
void		 side_close(struct side *side);
/* From now on the side is watched for this, too.  Where the system has no
 * memory for that, the pair is ended, but not before this turn is over. */
void		 side_want(struct pair *pair, struct side *side, short what);
/* So many bytes more, of the same request or of a new one. */
void		 pair_grant(struct pair *pair, const struct order *order);
/* It has moved, or what limits its idleness has changed. */
void		 pair_touch(struct pair *pair);
/* The front will say nothing more about it, nor hear anything. */
void		 pair_forget_id(struct pair *pair);
/* The next backend, for which it has waited, takes the present one's place. */
void		 pair_switch(struct pair *pair);

#endif
