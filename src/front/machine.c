/* SPDX-License-Identifier: ISC */
/*
 * The state machine of a connection, as a table: in this state, when that happens,
 * do this.  DESIGN.md has the same table for people.  A TLS connection makes
 * only the first step, because its one grant is unlimited.
 */
#include <string.h>
#include <unistd.h>

#include "counts.h"
#include "find.h"
#include "handoff.h"
#include "refused.h"
#include "inflight.h"
#include "connection.h"

enum {
	RELAY_TRIES = 100	/* five for a relay to come back */
};

enum action {
	BROKEN,			/* no child may say that now */
	ROUTE,			/* find the tenant, give it the client */
	REFUSE,			/* have a relay say why not */
	CLOSE,			/* nobody is there to be told */
	RETRY,			/* ROUTE or REFUSE once more */
	LOOK,			/* have the parser look for more */
	GO_ON,			/* same host: grant; other host: next backend */
	GRANT,			/* let the request go on */
	REFUSE_LATER,		/* refuse once the response is over */
	FINISH,			/* let the response end, and close */
	RECONNECT,		/* the same request to a new backend */
	NOTE,			/* the next request needs a new backend */
	ORPHAN,			/* there will be no next request */
	DISMISS,		/* the relay is done: the parser is to let go */
	AWAIT,			/* the parser lets go when it hears of it */
	FORGET			/* nobody has it any more */
};

static const unsigned char actions[CONNECTION_STATES][CONNECTION_EVENTS] = {
	[CONNECTION_SHOWN] = {
		[EVENT_REQUEST] = ROUTE,
		[EVENT_REFUSED] = REFUSE,
		[EVENT_GONE] = CLOSE,
		[EVENT_PARSER_LOST] = REFUSE,
	},
	[CONNECTION_WAITING] = {
		[EVENT_LATER] = RETRY,
		[EVENT_PARSER_LOST] = ORPHAN,
	},
	[CONNECTION_PARTING] = {
		[EVENT_GONE] = RETRY,
		[EVENT_PARSER_LOST] = RETRY,
	},
	[CONNECTION_MOVING] = {
		[EVENT_MOVED] = LOOK,
		[EVENT_LONELY] = RECONNECT,
		[EVENT_LEFT] = DISMISS,
		[EVENT_PARSER_LOST] = FINISH,
		[EVENT_RELAY_LOST] = DISMISS,
	},
	[CONNECTION_LOOKING] = {
		[EVENT_REQUEST] = GO_ON,
		[EVENT_MORE] = GRANT,
		[EVENT_REFUSED] = REFUSE_LATER,
		[EVENT_GONE] = FINISH,
		[EVENT_LONELY] = NOTE,
		[EVENT_LEFT] = DISMISS,
		[EVENT_PARSER_LOST] = FINISH,
		[EVENT_RELAY_LOST] = DISMISS,
	},
	[CONNECTION_BUSY] = {
		[EVENT_LATER] = GO_ON,
		[EVENT_LONELY] = NOTE,
		[EVENT_LEFT] = DISMISS,
		[EVENT_PARSER_LOST] = ORPHAN,
		[EVENT_RELAY_LOST] = DISMISS,
	},
	[CONNECTION_LEAVING] = {
		[EVENT_REQUEST] = AWAIT,
		[EVENT_MORE] = AWAIT,
		[EVENT_REFUSED] = FORGET,
		[EVENT_GONE] = FORGET,
		[EVENT_PARSER_LOST] = FORGET,
	},
};

static void
log_refused(const struct connection *connection, enum refusal refusal,
    const struct found *found)
{
	refused_log(connection->protocol, &connection->ends,
	    connection->named ? &connection->name : NULL, refusal, found);
}

/* An order about a connection whose relay has it already. */
static void
order_send(struct connection *connection, enum order_kind kind, uint64_t grant,
    enum refusal refusal, int backend)
{
	struct order order;

	memset(&order, 0, sizeof(order));
	order.kind = (uint8_t)kind;
	order.refusal = (uint8_t)refusal;
	order.patient = kind != ORDER_GRANT && connection->pipelined;
	order.last = !connection->kept || kind == ORDER_END;
	order.id = connection_id(connection);
	order.grant = grant;
	order.partial = kind != ORDER_END && connection->partial;
	connection->in_place = kind == ORDER_GRANT;
	channel_order(connection->relay, &order, -1, backend);
}

/* The relay has its last word; what remains is the parser's copy. */
static void
dismiss(struct connection *connection)
{
	find_drop(connection);
	if (!connection->kept) {
		connection_free(connection);
		return;
	}
	connection->state = CONNECTION_LEAVING;
	connection->relay = NULL;
	channel_intake(connection->parser, INTAKE_DROP, connection_id(connection), -1);
}

static void
end(struct connection *connection, enum refusal refusal, const struct found *found)
{
	if (refusal != REFUSAL_NONE)
		log_refused(connection, refusal, found);
	order_send(connection, ORDER_END, 0, refusal, -1);
	dismiss(connection);
}

/* Gives a first connection to a relay, or has it wait for one. */
static void
hand(struct connection *connection, enum order_kind kind, int backend)
{
	const bool	 relayed = kind == ORDER_RELAY;
	struct child	*relay;
	struct order	 order;

	relay = child_choose(ROLE_RELAY, connection->protocol);
	if (relay == NULL) {
		if (backend != -1)
			(void)close(backend);	/* looked up anew next time */
		connection->unrelayed = true;
		connection->state = CONNECTION_WAITING;
		if (++connection->tries <= RELAY_TRIES) {
			connection_later(connection);
			return;
		}
		log_refused(connection, REFUSAL_NO_RELAY, NULL);
		dismiss(connection);
		return;
	}
	memset(&order, 0, sizeof(order));
	order.kind = (uint8_t)kind;
	order.refusal = (uint8_t)connection->refusal;
	order.grant = relayed ? connection->grant : 0;
	order.partial = relayed && connection->partial;
	order.id = relayed && connection->kept ? connection_id(connection) : 0;
	relay->load++;
	if (kind == ORDER_RELAY)
		count(connection->protocol, COUNT_RELAYED);
	channel_order(relay, &order, connection->client, backend);
	connection->client = -1;
	connection->relay = relay;
	if (!connection->kept)
		connection_free(connection);
	else if (relayed)
		connection->state = CONNECTION_MOVING;
	else
		dismiss(connection);
}

static void
refuse(struct connection *connection, enum refusal refusal,
    const struct found *found)
{
	if (connection->refusal == REFUSAL_NONE)
		log_refused(connection, refusal, found);
	connection->refusal = refusal;
	hand(connection, ORDER_REFUSE, -1);
}

/* No readiness can be waited for: poll(2) does not help. */
static bool
try_again(struct connection *connection, enum refusal refusal)
{
	return (refusal == REFUSAL_BUSY || refusal == REFUSAL_UNPICKED ||
	    refusal == REFUSAL_RACE) && connection->tries++ < BUSY_TRIES;
}

/*
 * The tenant gets the client's own socket, and nobody here keeps a copy: a
 * parser that has one, because more requests may come, lets go of it first.
 */
static enum refusal
hand_off(struct connection *connection, const struct found *found)
{
	if (found->socket == -1) {
		connection->state = CONNECTION_PARTING;
		connection->handoff = HANDOFF_ONLY;
		connection_awaited(connection);
		channel_intake(connection->parser, INTAKE_DROP, connection_id(connection),
		    -1);
		return REFUSAL_NONE;
	}
	if (handoff_send(found->socket, connection->protocol, connection->client,
	    connection->ends.changed) == -1) {
		(void)close(found->socket);	/* nothing was said on it */
		return REFUSAL_UNPICKED;
	}
	inflight_add(&found->tenant, found->socket, connection->client);
	connection->client = -1;
	count(connection->protocol, COUNT_HANDED_OFF);
	connection_free(connection);
	return REFUSAL_NONE;
}

/* Nobody listened for a hand-off: all begins anew, without it. */
static enum refusal
show_again(struct connection *connection)
{
	connection->handoff = HANDOFF_OVER;
	connection->tries = 0;
	return connection_show(connection) == -1 ? REFUSAL_PARSER : REFUSAL_NONE;
}

static void
route(struct connection *connection)
{
	enum refusal	refusal;
	struct found	found;

	/* Nobody to give it to: the tenant is not troubled twice for it. */
	if (connection->unrelayed &&
	    child_choose(ROLE_RELAY, connection->protocol) == NULL) {
		hand(connection, ORDER_RELAY, -1);
		return;
	}
	/* A parser that has died meanwhile has no copy to let go of. */
	if (connection->handoff == HANDOFF_ASK && !connection->kept)
		connection->handoff = HANDOFF_FIRST;
	if (!find(connection, &refusal, &found)) {
		connection->state = CONNECTION_WAITING;
		return;
	}
	if (refusal == REFUSAL_NONE && !found.handoff) {
		hand(connection, ORDER_RELAY, found.socket);
		return;
	}
	if (refusal == REFUSAL_NONE)
		refusal = hand_off(connection, &found);
	else if (connection->handoff == HANDOFF_ONLY &&
	    (refusal == REFUSAL_NO_SOCKET || refusal == REFUSAL_REFUSED))
		refusal = show_again(connection);
	if (refusal == REFUSAL_NONE)
		return;
	if (try_again(connection, refusal)) {
		connection->state = CONNECTION_WAITING;
		connection_later(connection);
	} else {
		refuse(connection, refusal, &found);
	}
}

static void
grant(struct connection *connection)
{
	order_send(connection, ORDER_GRANT, connection->grant, REFUSAL_NONE, -1);
	if (connection->kept)
		connection->state = CONNECTION_MOVING;
	else
		connection_free(connection);
}

/* A request whose relay needs another backend for it. */
static void
next(struct connection *connection)
{
	enum refusal	refusal;
	struct found	found;

	connection->handoff = HANDOFF_NEVER;
	if (!find(connection, &refusal, &found)) {
		connection->state = CONNECTION_BUSY;
		return;
	}
	if (try_again(connection, refusal)) {
		connection->state = CONNECTION_BUSY;
		connection_later(connection);
		return;
	}
	if (refusal != REFUSAL_NONE) {
		end(connection, refusal, &found);
		return;
	}
	connection->elsewhere = false;
	order_send(connection, ORDER_NEXT, connection->grant, REFUSAL_NONE,
	    found.socket);
	if (connection->kept)
		connection->state = CONNECTION_MOVING;
	else
		connection_free(connection);
}

/* Takes over what the parser said of a request. */
static void
request_take(struct connection *connection, const struct verdict *verdict)
{
	const bool named = verdict->code == VERDICT_NAMED;

	if (verdict->code != VERDICT_MORE) {
		connection->elsewhere |= named != connection->named ||
		    memcmp(&connection->name, &verdict->name,
		    sizeof(connection->name)) != 0;
		connection->named = named;
		connection->name = verdict->name;	/* hostname_check()ed */
		connection->acme = verdict->acme == 1;
		connection->tries = 0;
	}
	connection->grant = verdict->grant;
	connection->begun = verdict->code == VERDICT_MORE;
	connection->partial = verdict->partial == 1;
	connection->pipelined = verdict->pipelined == 1;
	connection->kept = verdict->kept == 1;
}

/*
 * The backend closed before the relay had our last word.  A word about
 * another backend serves the relay as it is; a grant for the one that is gone
 * it passed over.
 */
static void
reconnect(struct connection *connection)
{
	if (!connection->in_place)
		return;
	if (connection->begun) {
		end(connection, REFUSAL_NONE, NULL); /* part of it was sent */
		return;
	}
	connection->elsewhere = true;
	next(connection);
}

static void
go_on(struct connection *connection)
{
	if (connection->elsewhere)
		next(connection);
	else
		grant(connection);
}

static void
grant_more(struct connection *connection)
{
	if (connection->elsewhere)
		end(connection, REFUSAL_NONE, NULL); /* its backend is gone */
	else
		grant(connection);
}

static void
retry(struct connection *connection)
{
	if (connection->refusal != REFUSAL_NONE)
		refuse(connection, connection->refusal, NULL);
	else
		route(connection);
}

/* Nobody is left to grant the rest of a request that has a rest. */
static void
orphan(struct connection *connection)
{
	if (!connection->partial || connection->refusal != REFUSAL_NONE)
		return;
	if (connection->state == CONNECTION_WAITING)
		refuse(connection, REFUSAL_PARSER, NULL);
	else
		end(connection, REFUSAL_PARSER, NULL);
}

static void
look(struct connection *connection)
{
	connection->state = CONNECTION_LOOKING;
	connection->asked = true;
	channel_intake(connection->parser, INTAKE_LOOK, connection_id(connection), -1);
}

static void
act(struct connection *connection, enum action action, enum refusal refusal)
{
	switch (action) {
	case BROKEN:
	case AWAIT:
		return;
	case ROUTE:
		connection->elsewhere = false;
		if (connection->handoff != HANDOFF_OVER)
			connection->handoff = connection->kept ? HANDOFF_ASK :
			    HANDOFF_FIRST;
		route(connection);
		return;
	case REFUSE:
		refuse(connection, refusal, NULL);
		return;
	case CLOSE:
		count(connection->protocol, COUNT_LEFT);
		connection_free(connection);
		return;
	case FORGET:
		connection_free(connection);
		return;
	case RETRY:
		retry(connection);
		return;
	case LOOK:
		look(connection);
		return;
	case GO_ON:
		go_on(connection);
		return;
	case GRANT:
		grant_more(connection);
		return;
	case REFUSE_LATER:
		end(connection, refusal, NULL);
		return;
	case FINISH:
		end(connection, REFUSAL_NONE, NULL);
		return;
	case RECONNECT:
		reconnect(connection);
		return;
	case NOTE:
		connection->elsewhere = true;
		return;
	case ORPHAN:		/* kept is false by now */
		orphan(connection);
		return;
	case DISMISS:
		dismiss(connection);
		return;
	}
}

bool
machine_allows(const struct connection *connection, enum connection_event event)
{
	return actions[connection->state][event] != BROKEN;
}

int
machine_step(struct connection *connection, enum connection_event event,
    const struct verdict *verdict)
{
	enum action	action;
	enum refusal	refusal = REFUSAL_PARSER;	/* if it is the event */

	action = (enum action)actions[connection->state][event];
	if (action == BROKEN)
		return -1;
	/* Let go of already: what was said about it has crossed our word. */
	if (action == AWAIT && verdict->kept == 0)
		action = FORGET;
	/* The client itself has ended; a parser's death says nothing of the
	 * response. */
	if (event == EVENT_GONE || event == EVENT_PARSER_LOST)
		connection->pipelined = event == EVENT_PARSER_LOST &&
		    !connection->partial;
	if (event == EVENT_REFUSED) {
		refusal = (enum refusal)verdict->refusal;
		/* Half a request is not answered before it has ended. */
		connection->pipelined = verdict->pipelined == 1 &&
		    !connection->partial;
		connection->named = false;	/* the name is an earlier request's */
	}
	if (verdict != NULL &&
	    (action == ROUTE || action == GO_ON || action == GRANT))
		request_take(connection, verdict);
	act(connection, action, refusal);
	return 0;
}
