/* SPDX-License-Identifier: ISC */
#ifndef USHER_PAIR_STATES_H
#define USHER_PAIR_STATES_H

#include <stdbool.h>
#include <stdint.h>

#include "../common/message.h"

/*
 * The state machine of a connection in a relay, as data: what may happen in
 * which state, what is done then, and which state it is in afterwards.
 * pair_machine.c walks it.  An action says how it went by one more event, for
 * which the state that follows has a cell.
 *
 * "Granted" below is what usherd-http lets pass, counted down as it is taken
 * in.  Nothing is read of a side for which nothing is granted.
 */
enum pair_state {
	PAIR_FREE,

	/* HTTP, and usherd-http has it, too */
	PAIR_EXCHANGE,		/* both directions pass as granted; or there is
				 * no request at present */
	PAIR_HURRIED,		/* the same, and the response is over, but not
				 * the request */
	PAIR_STOPPED,		/* what was granted of the client's and not
				 * taken in was taken back */

	/* usherd-http has let go of it, or has died */
	PAIR_FINISHING,		/* what is granted passes; then it ends */
	PAIR_LAST,		/* a response without a known end passes */
	PAIR_WARY,		/* the same, and some client may see one */
	PAIR_PRESSED,		/* the same, and the client has sent more than
				 * was granted */
	PAIR_ORPHANED,		/* the rest of a response passes that nobody
				 * reads any more */

	/* nobody else has it */
	PAIR_TUNNEL,		/* all passes both ways, ends too; TLS always */
	PAIR_GOODBYE,		/* the client has been told all; what it still
				 * sends is thrown away unseen */
	PAIR_STATES
};

enum pair_event {
	ON_NOTHING,		/* the step is over */

	/* the front's orders */
	ON_RELAY,		/* HTTP: a client and its first backend */
	ON_RELAY_ALL,		/* TLS: the same */
	ON_REFUSE,		/* a client, to be told why */
	ON_NEXT,		/* another backend */
	ON_END,			/* tell the client why, and end it */

	/* a record of usherd-http's, by its flags; each may grant bytes */
	ON_GRANT,
	ON_STOP,
	ON_HURRY,
	ON_CALM,
	ON_FINISH,
	ON_LAST,
	ON_WARY,
	ON_TUNNEL,
	ON_CUT,
	ON_PARSER_LOST,		/* there are no more of them */

	/* what was met when bytes were moved */
	ON_CLIENT_ENDED,	/* the end inside what is granted */
	ON_CLIENT_BROKEN,	/* it is reset, or takes nothing any more */
	ON_CLIENT_MORE,		/* it has sent more than is granted */
	ON_TENANT_ENDED,	/* the end, or a reset, inside a grant */
	ON_TENANT_DEAF,		/* it takes nothing any more */
	ON_MOVED,		/* all that was granted has moved */
	ON_TIMER,		/* the state's time is over */

	/* how an action went */
	ON_EXHAUSTED,		/* no memory to watch it; when bytes were moved,
				 * too */
	ON_HELD,		/* bytes are on their way: it cannot be done */
	ON_ANSWERED,		/* the client was told why */
	ON_FAILED,		/* it could not be told */
	ON_OVER,		/* both directions are */
	ON_READ_ENDED,		/* the same, and the client's end was read */
	ON_OPEN,		/* orphaned inside a response */
	ON_LIMITED,		/* orphaned inside one whose rest is granted */
	ON_IDLE,		/* orphaned between exchanges */
	PAIR_EVENTS
};

enum pair_action {
	DO_BREACH,		/* not in the table */
	DO_NOTHING,		/* the state is all that changes */
	DO_ATTACH,		/* begin with a client and a backend */
	DO_ATTACH_ALL,		/* the same; all passes */
	DO_SWITCH,		/* a backend in place of the present one */
	DO_ANSWER,		/* send the constant */
	DO_ADD,			/* to what is granted */
	DO_STOP,		/* take nothing in of the client's; say
				 * progress */
	DO_OPEN_DOWN,		/* all of the tenant's passes */
	DO_OPEN_BOTH,
	DO_SHUT_DOWN,		/* nothing more of the tenant's passes */
	DO_JUDGE,		/* what is its parser's death for it? */
	DO_PASS_UP,		/* the client's end to the tenant */
	DO_TELL_UP,		/* the same, and to usherd-http */
	DO_PASS_DOWN,		/* the tenant's end to the client */
	DO_MUTE_UP,		/* drop what the tenant will not take */
	DO_TELL_DEAF,		/* the same, and say so to usherd-http */
	DO_RETIRE,		/* say to usherd-http that it is over, and drop
				 * what the tenant has not taken */
	DO_LEAVE,		/* say that it is over, and DO_BYE */
	DO_ABANDON,		/* say that it is over, and DO_CLOSE */
	DO_BYE,			/* end the client's side, then the tenant's */
	DO_CUT,			/* find out whose end is broken; DO_CLOSE */
	DO_CLOSE,		/* close both; the place is free */
	PAIR_ACTIONS
};

/* After how long without a byte moved comes ON_TIMER?  See pair.c. */
enum pair_timer {
	TIMER_NONE,
	TIMER_IDLE,		/* 5 minutes; then the client is asked whether
				 * it is there, and 55 minutes follow: */
	TIMER_STILL,
	TIMER_AWAY,		/* the client has ended: 5 minutes */
	TIMER_HURRY,		/* 5 s */
	TIMER_PRESSED,		/* 1 s */
	TIMER_GOODBYE,		/* 2 s, and 30 s in all */
	PAIR_TIMERS
};

struct pair_cell {
	enum pair_action	action;
	enum pair_state		next;
	enum ending		ending;	/* how it ends then, unless that was
					 * certain before */
};

extern const struct pair_cell pair_cells[PAIR_STATES][PAIR_EVENTS];
/* How an action may go: a bit (1 << event) each. */
extern const uint32_t pair_action_events[PAIR_ACTIONS];
extern const enum pair_timer pair_state_timers[PAIR_STATES];

/* Has the table a cell for it? */
bool	pair_allows(enum pair_state state, enum pair_event event);
/* Is what usherd-http says about one in this state passed over, because it is
 * about one that has ended? */
bool	pair_ended(enum pair_state state);

/* Their names, in capitals; "?" for a number that is none. */
const char	*pair_state_name(unsigned int state);
const char	*pair_event_name(unsigned int event);
const char	*pair_action_name(unsigned int action);

#endif
