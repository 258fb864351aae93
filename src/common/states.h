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
 * A TLS connection goes no further than STATE_ATTACHING.  Of an HTTP
 * connection that is attached, each exchange is between its parser and its
 * relay: the front hears of it again when it needs another backend, when it is
 * refused, and at its end.
 */
enum connection_state {
	STATE_FREE,		/* no connection is in this place */

	/* the client's socket is here */
	STATE_PEEKING,		/* a parser reads its first request */
	STATE_UNSHOWN,		/* there is no parser: the next that there is
				 * reads it from the beginning */
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

	/* a relay has it, and a parser copies */
	STATE_ATTACHED,		/* to a backend */
	STATE_RESOLVING_NEXT,	/* as STATE_RESOLVING, for another backend */
	STATE_BACKLOGGED_NEXT,	/* as STATE_BACKLOGGED */
	STATE_LEAVING,		/* nothing more is to be said to the relay,
				 * which will say that it has ended */

	/* only the parser's copies are left, which it closes */
	STATE_CROSSING,		/* it has heard of the end from the relay: what
				 * it said before that is void */
	STATE_CLOSING,		/* it was told, or has asked and was not
				 * answered */
	STATE_COUNT
};

enum connection_event {
	EVENT_NONE,		/* the step is over */

	/* from outside */
	EVENT_ACCEPTED,		/* accept(2) gave it */
	EVENT_REQUEST,		/* parser: a request that needs a backend */
	EVENT_REFUSED,		/* parser: what came is refused */
	EVENT_GONE,		/* parser: it has no copy any more */
	EVENT_PARSER_LOST,	/* the parser has died */
	EVENT_PAIR_LOST,	/* the parser was ended, because its relay has
				 * died */
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
	EVENT_EXHAUSTED,	/* no relay, or parser, for too long */
	EVENT_TOLD,		/* a relay has it, to refuse it */
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
	ACTION_ATTACH,		/* give a relay client and backend, and then
				 * the parser a copy of the backend */
	ACTION_FIND_RELAY,	/* is there one by now? */
	ACTION_WAIT,		/* count how often there was none */
	ACTION_ABANDON,		/* log that there was none; close */
	ACTION_REFUSE,		/* log why, and have a relay say it */
	ACTION_LOSE,		/* the same, because its parser died */
	ACTION_TELL,		/* have a relay say why: was logged before */
	ACTION_LEAVE,		/* count a client that said nothing; free */
	ACTION_KILL,		/* the parser is overdue: it is replaced */
	ACTION_LOOKUP_NEXT,	/* as LOOKUP; a hand-off is impossible now */
	ACTION_SWITCH,		/* give the relay the next backend, and then
				 * the parser a copy */
	ACTION_END,		/* log why, and have its relay say it */
	ACTION_FORGET,		/* the look-up, if there is one */
	ACTION_DISMISS,		/* have the parser close its copies, if any */
	ACTION_AWAIT,		/* has the parser copies? */
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
