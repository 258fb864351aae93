/* SPDX-License-Identifier: ISC */
#ifndef USHER_STATES_H
#define USHER_STATES_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The state machine of a connection: what may happen in which state, what is
 * done then, and the state that follows.  Data only; machine.c walks it, and
 * whoever has the numbers of a step can print their names.  DESIGN.md has the
 * same table, and tests/e2e/test_states.py holds the two together.
 *
 * A TLS connection goes no further than STATE_ATTACHING: its one grant is
 * unlimited.
 */
enum connection_state {
	STATE_FREE,		/* no connection is in this place */

	/* the client's socket is here */
	STATE_PEEKING,		/* a parser reads its first request */
	STATE_RESOLVING,	/* its target is looked up, by a thread if that
				 * has to wait for a tenant's directory */
	STATE_BACKLOGGED,	/* the tenant's backlog or his share of
				 * hand-offs is full: tried again soon */
	STATE_RECALLING,	/* to be handed off; the parser is to close its
				 * copy first */
	STATE_PASSING,		/* is handed off */
	STATE_ATTACHING,	/* a relay is to take it, or the next that
				 * there is */
	STATE_REFUSING,		/* the same, to say why it is refused */

	/* a relay has it, and a parser has a copy */
	STATE_ATTACHED,		/* to a backend that has its first grant */
	STATE_GRANTED,		/* one more request to the same backend */
	STATE_CONTINUED,	/* one more part of the same request */
	STATE_PEEKING_NEXT,	/* all has passed; the parser reads on */
	STATE_DETACHED,		/* the same, and the backend has closed */
	STATE_RESOLVING_NEXT,	/* as STATE_RESOLVING, for another backend */
	STATE_BACKLOGGED_NEXT,	/* as STATE_BACKLOGGED */

	/* only the parser's copy is left, which it has been told to close */
	STATE_CROSSING,		/* it was reading: a verdict may be on its way
				 * that is void */
	STATE_CLOSING,		/* nothing more to come but that it is closed */
	STATE_COUNT
};

enum connection_event {
	EVENT_NONE,		/* the step is over */

	/* from outside */
	EVENT_ACCEPTED,		/* accept(2) gave it */
	EVENT_REQUEST,		/* parser: a request; behind another one: for
				 * the same host */
	EVENT_ELSEWHERE,	/* parser: behind another one, for another
				 * host */
	EVENT_MORE,		/* parser: more of the same request */
	EVENT_REFUSED,		/* parser: what came is refused */
	EVENT_GONE,		/* parser: the client has ended, or the copy
				 * was closed as it was told */
	EVENT_PARSER_LOST,	/* the parser has died */
	EVENT_MOVED,		/* relay: the grant is used up */
	EVENT_BACKEND_CLOSED,	/* relay: between requests, and more of the
				 * client's is there */
	EVENT_ENDED,		/* relay: the connection has ended */
	EVENT_RELAY_LOST,	/* the relay has died */
	EVENT_TIMER,		/* the state's time is over */
	EVENT_ANSWERED,		/* a thread has looked the target up */

	/* how an action went */
	EVENT_NO_PARSER,	/* there is none with room */
	EVENT_SOCKET_FOUND,	/* it is connected to a -socket */
	EVENT_HANDOFF_FOUND,	/* it is connected to a -handoff */
	EVENT_HANDOFF_WANTED,	/* the host has a -handoff, but the parser has
				 * a copy of the client's socket */
	EVENT_NO_LISTENER,	/* of a -handoff alone: nobody listens */
	EVENT_WAITS,		/* a thread was asked for it */
	EVENT_TRY_LATER,	/* full, and not for too long so far */
	EVENT_FAILED,		/* it is refused */
	EVENT_PASSED,		/* the tenant has it */
	EVENT_ATTACHED,		/* a relay has client and backend */
	EVENT_NO_RELAY,		/* there is none with room */
	EVENT_RELAY_READY,	/* there is one */
	EVENT_EXHAUSTED,	/* no relay for too long */
	EVENT_TOLD,		/* a relay has it, to refuse it */
	EVENT_ORPHANED,		/* nobody can grant the rest of its request */
	EVENT_RELEASED,		/* nobody has it any more, or nothing more will
				 * be said about it */
	EVENT_COUNT
};

enum connection_action {
	ACTION_BROKEN,		/* not in the table: a child that says so broke
				 * the rules; what is ours ends the process */
	ACTION_NOTHING,		/* the state is all that changes */
	ACTION_SHOW,		/* give a parser a copy */
	ACTION_SHOW_AGAIN,	/* the same anew, without a hand-off */
	ACTION_LOOKUP,		/* find the target and connect to it */
	ACTION_RECALL,		/* have the parser close its copy */
	ACTION_PASS,		/* hand the client's socket off */
	ACTION_ATTACH,		/* give a relay client and backend */
	ACTION_FIND_RELAY,	/* is there one by now? */
	ACTION_WAIT_RELAY,	/* count how often there was none */
	ACTION_ABANDON,		/* log that there was none; close */
	ACTION_REFUSE,		/* log why, and have a relay say it */
	ACTION_LOSE,		/* the same, because its parser died */
	ACTION_TELL,		/* have a relay say why: was logged before */
	ACTION_LEAVE,		/* count a client that said nothing; free */
	ACTION_KILL,		/* the parser is overdue: it is replaced */
	ACTION_LOOK,		/* have the parser read on */
	ACTION_GRANT,		/* let the relay move what the parser read */
	ACTION_LOOKUP_NEXT,	/* as LOOKUP; a hand-off is impossible now */
	ACTION_SWITCH,		/* give the relay the next backend */
	ACTION_END,		/* log why, and have it refused once the
				 * response is over */
	ACTION_FINISH,		/* let the response end, and close */
	ACTION_ORPHAN,		/* there will be no next request, and is there
				 * a rest of this one? */
	ACTION_DISMISS,		/* have the parser close its copy, if any */
	ACTION_AWAIT,		/* was this its last word? */
	ACTION_FREE,		/* close what is here; the place is free */
	ACTION_COUNT
};

/* What ends a state that lasts too long, by EVENT_TIMER. */
enum connection_timer {
	TIMER_NONE,
	TIMER_PARSER,		/* a parser's own deadline is shorter */
	TIMER_LOOKUP,		/* for a thread's answer */
	TIMER_RETRY,		/* no readiness can be waited for */
	TIMER_COUNT
};

struct transition {
	enum connection_action	action;
	enum connection_state	next;
};

extern const struct transition transitions[STATE_COUNT][EVENT_COUNT];
/* How an action may go: a bit (1 << event) each. */
extern const uint32_t action_events[ACTION_COUNT];
extern const enum connection_timer state_timers[STATE_COUNT];

/* Has the table a cell for it? */
bool	state_allows(enum connection_state state, enum connection_event event);

/* Their names, in capitals; "?" for a number that is none. */
const char	*state_name(unsigned int state);
const char	*event_name(unsigned int event);
const char	*action_name(unsigned int action);

#endif
