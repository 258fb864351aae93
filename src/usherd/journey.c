/* SPDX-License-Identifier: ISC */
/*
 * The journey of a connection, as a table: in this state, when that happens,
 * do this.  DESIGN.md has the same table for people.  A TLS connection makes
 * only the first step, because its one grant is unlimited.
 */
#include <string.h>
#include <unistd.h>

#include "counts.h"
#include "find.h"
#include "handoff.h"
#include "refused.h"
#include "unpicked.h"
#include "visitor.h"

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

static const unsigned char actions[VISITOR_STATES][VISITOR_EVENTS] = {
	[VISITOR_SHOWN] = {
		[EVENT_REQUEST] = ROUTE,
		[EVENT_REFUSED] = REFUSE,
		[EVENT_GONE] = CLOSE,
		[EVENT_PARSER_LOST] = REFUSE,
	},
	[VISITOR_WAITING] = {
		[EVENT_LATER] = RETRY,
		[EVENT_PARSER_LOST] = ORPHAN,
	},
	[VISITOR_PARTING] = {
		[EVENT_GONE] = RETRY,
		[EVENT_PARSER_LOST] = RETRY,
	},
	[VISITOR_MOVING] = {
		[EVENT_MOVED] = LOOK,
		[EVENT_LONELY] = RECONNECT,
		[EVENT_LEFT] = DISMISS,
		[EVENT_PARSER_LOST] = FINISH,
		[EVENT_RELAY_LOST] = DISMISS,
	},
	[VISITOR_LOOKING] = {
		[EVENT_REQUEST] = GO_ON,
		[EVENT_MORE] = GRANT,
		[EVENT_REFUSED] = REFUSE_LATER,
		[EVENT_GONE] = FINISH,
		[EVENT_LONELY] = NOTE,
		[EVENT_LEFT] = DISMISS,
		[EVENT_PARSER_LOST] = FINISH,
		[EVENT_RELAY_LOST] = DISMISS,
	},
	[VISITOR_BUSY] = {
		[EVENT_LATER] = GO_ON,
		[EVENT_LONELY] = NOTE,
		[EVENT_LEFT] = DISMISS,
		[EVENT_PARSER_LOST] = ORPHAN,
		[EVENT_RELAY_LOST] = DISMISS,
	},
	[VISITOR_LEAVING] = {
		[EVENT_REQUEST] = AWAIT,
		[EVENT_MORE] = AWAIT,
		[EVENT_REFUSED] = FORGET,
		[EVENT_GONE] = FORGET,
		[EVENT_PARSER_LOST] = FORGET,
	},
};

static void
log_refused(const struct visitor *visitor, enum refusal refusal,
    const struct found *found)
{
	refused_log(visitor->protocol, &visitor->ends,
	    visitor->named ? &visitor->name : NULL, refusal, found);
}

/* An order about a visitor whose relay has it already. */
static void
order_send(struct visitor *visitor, enum order_kind kind, uint64_t grant,
    enum refusal refusal, int backend)
{
	struct order order;

	memset(&order, 0, sizeof(order));
	order.kind = (uint8_t)kind;
	order.refusal = (uint8_t)refusal;
	order.patient = kind != ORDER_GRANT && visitor->pipelined;
	order.last = !visitor->kept || kind == ORDER_END;
	order.id = visitor_id(visitor);
	order.grant = grant;
	order.partial = kind != ORDER_END && visitor->partial;
	visitor->in_place = kind == ORDER_GRANT;
	talk_order(visitor->relay, &order, -1, backend);
}

/* The relay has its last word; what remains is the parser's copy. */
static void
dismiss(struct visitor *visitor)
{
	find_drop(visitor);
	if (!visitor->kept) {
		visitor_free(visitor);
		return;
	}
	visitor->state = VISITOR_LEAVING;
	visitor->relay = NULL;
	talk_intake(visitor->parser, INTAKE_DROP, visitor_id(visitor), -1);
}

static void
end(struct visitor *visitor, enum refusal refusal, const struct found *found)
{
	if (refusal != REFUSAL_NONE)
		log_refused(visitor, refusal, found);
	order_send(visitor, ORDER_END, 0, refusal, -1);
	dismiss(visitor);
}

/* Gives a first connection to a relay, or has it wait for one. */
static void
hand(struct visitor *visitor, enum order_kind kind, int backend)
{
	const bool	 relayed = kind == ORDER_RELAY;
	struct child	*relay;
	struct order	 order;

	relay = child_choose(ROLE_RELAY, visitor->protocol);
	if (relay == NULL) {
		if (backend != -1)
			(void)close(backend);	/* looked up anew next time */
		visitor->unrelayed = true;
		visitor->state = VISITOR_WAITING;
		if (++visitor->tries <= RELAY_TRIES) {
			visitor_later(visitor);
			return;
		}
		log_refused(visitor, REFUSAL_NO_RELAY, NULL);
		dismiss(visitor);
		return;
	}
	memset(&order, 0, sizeof(order));
	order.kind = (uint8_t)kind;
	order.refusal = (uint8_t)visitor->refusal;
	order.grant = relayed ? visitor->grant : 0;
	order.partial = relayed && visitor->partial;
	order.id = relayed && visitor->kept ? visitor_id(visitor) : 0;
	relay->load++;
	if (kind == ORDER_RELAY)
		count(visitor->protocol, COUNT_RELAYED);
	talk_order(relay, &order, visitor->client, backend);
	visitor->client = -1;
	visitor->relay = relay;
	if (!visitor->kept)
		visitor_free(visitor);
	else if (relayed)
		visitor->state = VISITOR_MOVING;
	else
		dismiss(visitor);
}

static void
refuse(struct visitor *visitor, enum refusal refusal,
    const struct found *found)
{
	if (visitor->refusal == REFUSAL_NONE)
		log_refused(visitor, refusal, found);
	visitor->refusal = refusal;
	hand(visitor, ORDER_REFUSE, -1);
}

/* No readiness can be waited for: poll(2) does not help. */
static bool
try_again(struct visitor *visitor, enum refusal refusal)
{
	return (refusal == REFUSAL_BUSY || refusal == REFUSAL_UNPICKED ||
	    refusal == REFUSAL_RACE) && visitor->tries++ < BUSY_TRIES;
}

/*
 * The tenant gets the client's own socket, and nobody here keeps a copy: a
 * parser that has one, because more requests may come, lets go of it first.
 */
static enum refusal
hand_off(struct visitor *visitor, const struct found *found)
{
	if (found->socket == -1) {
		visitor->state = VISITOR_PARTING;
		visitor->handoff = HANDOFF_ONLY;
		visitor_awaited(visitor);
		talk_intake(visitor->parser, INTAKE_DROP, visitor_id(visitor),
		    -1);
		return REFUSAL_NONE;
	}
	if (handoff_send(found->socket, visitor->protocol, visitor->client,
	    visitor->ends.changed) == -1) {
		(void)close(found->socket);	/* nothing was said on it */
		return REFUSAL_UNPICKED;
	}
	unpicked_add(&found->tenant, found->socket, visitor->client);
	visitor->client = -1;
	count(visitor->protocol, COUNT_HANDED_OFF);
	visitor_free(visitor);
	return REFUSAL_NONE;
}

/* Nobody listened for a hand-off: all begins anew, without it. */
static enum refusal
show_again(struct visitor *visitor)
{
	visitor->handoff = HANDOFF_OVER;
	visitor->tries = 0;
	return visitor_show(visitor) == -1 ? REFUSAL_PARSER : REFUSAL_NONE;
}

static void
route(struct visitor *visitor)
{
	enum refusal	refusal;
	struct found	found;

	/* Nobody to give it to: the tenant is not troubled twice for it. */
	if (visitor->unrelayed &&
	    child_choose(ROLE_RELAY, visitor->protocol) == NULL) {
		hand(visitor, ORDER_RELAY, -1);
		return;
	}
	/* A parser that has died meanwhile has no copy to let go of. */
	if (visitor->handoff == HANDOFF_ASK && !visitor->kept)
		visitor->handoff = HANDOFF_FIRST;
	if (!find(visitor, &refusal, &found)) {
		visitor->state = VISITOR_WAITING;
		return;
	}
	if (refusal == REFUSAL_NONE && !found.handoff) {
		hand(visitor, ORDER_RELAY, found.socket);
		return;
	}
	if (refusal == REFUSAL_NONE)
		refusal = hand_off(visitor, &found);
	else if (visitor->handoff == HANDOFF_ONLY &&
	    (refusal == REFUSAL_NO_SOCKET || refusal == REFUSAL_REFUSED))
		refusal = show_again(visitor);
	if (refusal == REFUSAL_NONE)
		return;
	if (try_again(visitor, refusal)) {
		visitor->state = VISITOR_WAITING;
		visitor_later(visitor);
	} else {
		refuse(visitor, refusal, &found);
	}
}

static void
grant(struct visitor *visitor)
{
	order_send(visitor, ORDER_GRANT, visitor->grant, REFUSAL_NONE, -1);
	if (visitor->kept)
		visitor->state = VISITOR_MOVING;
	else
		visitor_free(visitor);
}

/* A request whose relay needs another backend for it. */
static void
next(struct visitor *visitor)
{
	enum refusal	refusal;
	struct found	found;

	visitor->handoff = HANDOFF_NEVER;
	if (!find(visitor, &refusal, &found)) {
		visitor->state = VISITOR_BUSY;
		return;
	}
	if (try_again(visitor, refusal)) {
		visitor->state = VISITOR_BUSY;
		visitor_later(visitor);
		return;
	}
	if (refusal != REFUSAL_NONE) {
		end(visitor, refusal, &found);
		return;
	}
	visitor->elsewhere = false;
	order_send(visitor, ORDER_NEXT, visitor->grant, REFUSAL_NONE,
	    found.socket);
	if (visitor->kept)
		visitor->state = VISITOR_MOVING;
	else
		visitor_free(visitor);
}

/* Takes over what the parser said of a request. */
static void
request_take(struct visitor *visitor, const struct verdict *verdict)
{
	const bool named = verdict->code == VERDICT_NAMED;

	if (verdict->code != VERDICT_MORE) {
		visitor->elsewhere |= named != visitor->named ||
		    memcmp(&visitor->name, &verdict->name,
		    sizeof(visitor->name)) != 0;
		visitor->named = named;
		visitor->name = verdict->name;	/* hostname_check()ed */
		visitor->acme = verdict->acme == 1;
		visitor->tries = 0;
	}
	visitor->grant = verdict->grant;
	visitor->begun = verdict->code == VERDICT_MORE;
	visitor->partial = verdict->partial == 1;
	visitor->pipelined = verdict->pipelined == 1;
	visitor->kept = verdict->kept == 1;
}

/*
 * The backend closed before the relay had our last word.  A word about
 * another backend serves the relay as it is; a grant for the one that is gone
 * it passed over.
 */
static void
reconnect(struct visitor *visitor)
{
	if (!visitor->in_place)
		return;
	if (visitor->begun) {
		end(visitor, REFUSAL_NONE, NULL); /* part of it was sent */
		return;
	}
	visitor->elsewhere = true;
	next(visitor);
}

static void
go_on(struct visitor *visitor)
{
	if (visitor->elsewhere)
		next(visitor);
	else
		grant(visitor);
}

static void
grant_more(struct visitor *visitor)
{
	if (visitor->elsewhere)
		end(visitor, REFUSAL_NONE, NULL); /* its backend is gone */
	else
		grant(visitor);
}

static void
retry(struct visitor *visitor)
{
	if (visitor->refusal != REFUSAL_NONE)
		refuse(visitor, visitor->refusal, NULL);
	else
		route(visitor);
}

/* Nobody is left to grant the rest of a request that has a rest. */
static void
orphan(struct visitor *visitor)
{
	if (!visitor->partial || visitor->refusal != REFUSAL_NONE)
		return;
	if (visitor->state == VISITOR_WAITING)
		refuse(visitor, REFUSAL_PARSER, NULL);
	else
		end(visitor, REFUSAL_PARSER, NULL);
}

static void
look(struct visitor *visitor)
{
	visitor->state = VISITOR_LOOKING;
	visitor->asked = true;
	talk_intake(visitor->parser, INTAKE_LOOK, visitor_id(visitor), -1);
}

static void
act(struct visitor *visitor, enum action action, enum refusal refusal)
{
	switch (action) {
	case BROKEN:
	case AWAIT:
		return;
	case ROUTE:
		visitor->elsewhere = false;
		if (visitor->handoff != HANDOFF_OVER)
			visitor->handoff = visitor->kept ? HANDOFF_ASK :
			    HANDOFF_FIRST;
		route(visitor);
		return;
	case REFUSE:
		refuse(visitor, refusal, NULL);
		return;
	case CLOSE:
		count(visitor->protocol, COUNT_LEFT);
		visitor_free(visitor);
		return;
	case FORGET:
		visitor_free(visitor);
		return;
	case RETRY:
		retry(visitor);
		return;
	case LOOK:
		look(visitor);
		return;
	case GO_ON:
		go_on(visitor);
		return;
	case GRANT:
		grant_more(visitor);
		return;
	case REFUSE_LATER:
		end(visitor, refusal, NULL);
		return;
	case FINISH:
		end(visitor, REFUSAL_NONE, NULL);
		return;
	case RECONNECT:
		reconnect(visitor);
		return;
	case NOTE:
		visitor->elsewhere = true;
		return;
	case ORPHAN:		/* kept is false by now */
		orphan(visitor);
		return;
	case DISMISS:
		dismiss(visitor);
		return;
	}
}

bool
journey_allows(const struct visitor *visitor, enum visitor_event event)
{
	return actions[visitor->state][event] != BROKEN;
}

int
journey_step(struct visitor *visitor, enum visitor_event event,
    const struct verdict *verdict)
{
	enum action	action;
	enum refusal	refusal = REFUSAL_PARSER;	/* if it is the event */

	action = (enum action)actions[visitor->state][event];
	if (action == BROKEN)
		return -1;
	/* Let go of already: what was said about it has crossed our word. */
	if (action == AWAIT && verdict->kept == 0)
		action = FORGET;
	/* The client itself has ended; a parser's death says nothing of the
	 * response. */
	if (event == EVENT_GONE || event == EVENT_PARSER_LOST)
		visitor->pipelined = event == EVENT_PARSER_LOST &&
		    !visitor->partial;
	if (event == EVENT_REFUSED) {
		refusal = (enum refusal)verdict->refusal;
		/* Half a request is not answered before it has ended. */
		visitor->pipelined = verdict->pipelined == 1 &&
		    !visitor->partial;
		visitor->named = false;	/* the name is an earlier request's */
	}
	if (verdict != NULL &&
	    (action == ROUTE || action == GO_ON || action == GRANT))
		request_take(visitor, verdict);
	act(visitor, action, refusal);
	return 0;
}
