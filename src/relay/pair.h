/* SPDX-License-Identifier: ISC */
#ifndef USHER_PAIR_H
#define USHER_PAIR_H

#include "../child/idmap.h"
#include "../common/timeouts.h"
#include "flow.h"
#include "pair_states.h"
#include "report.h"
#include "side.h"
#include "told.h"
#include "turns.h"

/*
 * A connection in a relay's hands: two sockets and two directions.  This is
 * its record; pair_machine.c changes its state, run.c moves its bytes, word.c
 * says what others have said about it.
 */
struct pair {
	struct idnode	 node;		/* first; id 0: nobody will speak of it
					 * any more */
	struct unsaid	 unsaid;	/* to the front; it also counts */
	struct outgoing	 untold;	/* to usherd-http */
	struct turn	 turn;
	struct side	 client;
	struct side	 backend;
	struct flow	 up;		/* client to backend */
	struct flow	 down;
	struct timeout	 age;
	union {
		int64_t		 until;	/* PAIR_GOODBYE: ms, at the latest */
		struct pair	*next;	/* of those that are free */
	};
	uint32_t	 number;	/* of the present backend, from 1 */
	uint32_t	 serial;	/* of the last grant */
	unsigned char	 state;		/* enum pair_state */
	unsigned char	 timer;		/* enum pair_timer, where age is */
	unsigned char	 tell;		/* GRANT_TELL_UP, GRANT_TELL_DOWN */
	bool		 open : 1;	/* the response goes on behind what is
					 * granted of it */
	bool		 away : 1;	/* the client has ended its side */
	/* for usherd-http: enum progress_flag */
	bool		 client_ended : 1;
	bool		 deaf : 1;
	bool		 tenant_ended : 1;
	bool		 over : 1;
};

/* What the connections speak.  Set before pairs_make(), and never again. */
extern enum protocol relay_protocol;

/*
 * A table for so many connections; late: the time of one is over; gone:
 * report_make().  Exits 1 without memory.
 */
void		 pairs_make(struct event_base *base, size_t n,
		    void (*late)(struct pair *), void (*gone)(void));
/* One in PAIR_FREE, with a client; id 0: it has none. */
struct pair	*pair_new(int client, uint32_t id);
struct pair	*pair_find(uint32_t id);
struct pair	*pair_of_turn(struct turn *turn);
/* A backend, and nothing granted for it yet. */
void		 pair_attach(struct pair *pair, int backend);
/* From now on its id is unknown. */
void		 pair_forget(struct pair *pair);
/* Gives the backend up, and what is held. */
void		 pair_detach(struct pair *pair);
/* Closes all that it has, and has its end reported. */
void		 pair_close(struct pair *pair);
/* Is it another than when it began: bytes wait for the client, or the client
 * has ended? */
bool		 pair_time_differs(const struct pair *pair);
/* It has moved, or its state has changed: its time begins anew. */
void		 pair_time(struct pair *pair);
/* Nothing moved for TIMER_IDLE: TIMER_STILL follows. */
void		 pair_time_still(struct pair *pair);
/* How many there are whose end the front does not know. */
size_t		 pairs_live(void);
/* Calls each() for those that are not PAIR_FREE. */
void		 pairs_each(void (*each)(struct pair *));

#endif
