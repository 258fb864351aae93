/* SPDX-License-Identifier: ISC */
/*
 * The actions of states.h, in its order, and the walk through its table.
 */
#include <err.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "counts.h"
#include "find.h"
#include "handoff.h"
#include "machine.h"
#include "query.h"
#include "recycle.h"
#include "refused.h"

enum {
	WAIT_TRIES = 100	/* five seconds for a relay or a parser to come
				 * back */
};

/* What an action leaves for those of the same walk. */
struct walk {
	struct found		 found;
	const struct found	*where;	/* found, once there is something */
};

typedef enum connection_event action_fn(struct connection *, struct walk *);

static void	(*step_said)(uint32_t, enum connection_state,
		    enum connection_event, enum connection_action,
		    enum connection_state);

static void
log_refused(const struct connection *connection, enum refusal refusal,
    const struct found *where)
{
	refused_log(connection->protocol, &connection->ends,
	    connection->named ? &connection->name : NULL, refusal, where);
}

/* Has the parser copies, of which it will say more? */
static enum connection_event
follow(const struct connection *connection)
{
	return connection->parser == NULL ? EVENT_RELEASED : EVENT_NONE;
}

static enum connection_event
nothing(struct connection *connection, struct walk *walk)
{
	(void)connection;
	(void)walk;
	return EVENT_NONE;
}

static enum connection_event
show(struct connection *connection, struct walk *walk)
{
	struct child *parser = child_choose(ROLE_PARSER, connection->protocol);

	(void)walk;
	if (parser == NULL) {
		connection->refusal = REFUSAL_OVERLOAD;
		return EVENT_NO_PARSER;
	}
	connection->parser = parser;
	connection->untold = true;
	parser->load++;
	parser->shown++;
	channel_intake(parser, INTAKE_SHOW, connection_id(connection),
	    connection->client);
	recycle_shown(parser);
	return EVENT_NONE;
}

static enum connection_event
show_again(struct connection *connection, struct walk *walk)
{
	connection->handoff = HANDOFF_OVER;
	connection->tries = 0;
	return show(connection, walk);
}

/* A full backlog gives no readiness to wait for: poll(2) does not help. */
static enum connection_event
failed(struct connection *connection, enum refusal refusal)
{
	if ((refusal == REFUSAL_BUSY || refusal == REFUSAL_UNPICKED ||
	    refusal == REFUSAL_RACE) &&
	    connection->tries++ < CONNECTION_TRIES)
		return EVENT_TRY_LATER;
	connection->refusal = refusal;
	return EVENT_FAILED;
}

static enum connection_event
resolve(struct connection *connection, struct walk *walk)
{
	const struct found	*found = &walk->found;
	enum refusal		 refusal;

	/* Where no parser has a copy, none has to let go of it. */
	if (connection->handoff == HANDOFF_ASK && connection->parser == NULL)
		connection->handoff = HANDOFF_FIRST;
	if (!find(connection, &refusal, &walk->found))
		return EVENT_WAITS;
	walk->where = found;
	if (refusal == REFUSAL_NONE && !found->handoff)
		return EVENT_SOCKET_FOUND;
	if (refusal == REFUSAL_NONE)
		return found->socket == -1 ? EVENT_HANDOFF_WANTED :
		    EVENT_HANDOFF_FOUND;
	if (connection->handoff == HANDOFF_ONLY &&
	    (refusal == REFUSAL_NO_SOCKET || refusal == REFUSAL_REFUSED))
		return EVENT_NO_LISTENER;
	return failed(connection, refusal);
}

static enum connection_event
recall(struct connection *connection, struct walk *walk)
{
	(void)walk;
	connection->handoff = HANDOFF_ONLY;
	channel_intake(connection->parser, INTAKE_DROP,
	    connection_id(connection), -1);
	return EVENT_NONE;
}

static enum connection_event
pass(struct connection *connection, struct walk *walk)
{
	enum refusal refusal;

	refusal = handoff_pass(&walk->found.tenant, walk->found.socket,
	    connection->protocol, connection->client,
	    connection->ends.changed);
	if (refusal != REFUSAL_NONE)
		return failed(connection, refusal);
	connection->client = -1;
	count(connection->protocol, COUNT_HANDED_OFF);
	return EVENT_PASSED;
}

/* A request goes to the relay that its parser can grant it to. */
static struct child *
relay_of(const struct connection *connection)
{
	return connection->parser == NULL ?
	    child_choose(ROLE_RELAY, connection->protocol) :
	    child_pair(connection->parser);
}

/* Client and backend are the relay's then. */
static void
give(struct connection *connection, struct child *relay,
    const struct order *order, int backend)
{
	child_took(relay);
	channel_order(relay, order, connection->client, backend);
	connection->client = -1;
}

static enum connection_event
attach(struct connection *connection, struct walk *walk)
{
	const enum connection_event	 after = follow(connection);
	struct child			*relay = relay_of(connection);
	struct order			 order;

	if (relay == NULL) {
		(void)close(walk->found.socket);	/* nothing was said */
		return EVENT_NO_RELAY;
	}
	memset(&order, 0, sizeof(order));
	order.kind = ORDER_RELAY;
	if (after == EVENT_NONE) {
		order.id = connection_id(connection);
		connection->relay = relay;
		connection->untold = true;
	}
	give(connection, relay, &order, walk->found.socket);
	count(connection->protocol, COUNT_RELAYED);
	return after == EVENT_NONE ? EVENT_ATTACHED : after;
}

/* Before the tenant is troubled once more. */
static enum connection_event
find_relay(struct connection *connection, struct walk *walk)
{
	(void)walk;
	return relay_of(connection) == NULL ? EVENT_NO_RELAY :
	    EVENT_RELAY_READY;
}

static enum connection_event
wait_another(struct connection *connection, struct walk *walk)
{
	(void)walk;
	return ++connection->tries <= WAIT_TRIES ? EVENT_NONE :
	    EVENT_EXHAUSTED;
}

static enum connection_event
dismiss(struct connection *connection, struct walk *walk)
{
	(void)walk;
	find_drop(connection);
	if (connection->parser != NULL)
		channel_intake(connection->parser, INTAKE_DROP,
		    connection_id(connection), -1);
	return follow(connection);
}

static enum connection_event
abandon(struct connection *connection, struct walk *walk)
{
	log_refused(connection, REFUSAL_NO_RELAY, NULL);
	return dismiss(connection, walk);
}

static enum connection_event
tell(struct connection *connection, struct walk *walk)
{
	struct child	*relay = child_choose(ROLE_RELAY,
			    connection->protocol);
	struct order	 order;

	(void)walk;
	if (relay == NULL)
		return EVENT_NO_RELAY;
	memset(&order, 0, sizeof(order));
	order.kind = ORDER_REFUSE;
	order.refusal = (uint8_t)connection->refusal;
	order.head = connection->head;
	relay->refusing++;
	give(connection, relay, &order, -1);
	return EVENT_TOLD;
}

static enum connection_event
refuse(struct connection *connection, struct walk *walk)
{
	find_drop(connection);
	log_refused(connection, connection->refusal, walk->where);
	return tell(connection, walk);
}

static enum connection_event
lose(struct connection *connection, struct walk *walk)
{
	connection->refusal = REFUSAL_PARSER;
	return refuse(connection, walk);
}

static enum connection_event
release(struct connection *connection, struct walk *walk)
{
	(void)walk;
	find_drop(connection);
	connection_free(connection);
	return EVENT_NONE;
}

static enum connection_event
leave(struct connection *connection, struct walk *walk)
{
	count(connection->protocol, COUNT_LEFT);
	return release(connection, walk);
}

static enum connection_event
kill_parser(struct connection *connection, struct walk *walk)
{
	(void)walk;
	child_kill(connection->parser, LOG_KEPT);
	return EVENT_NONE;
}

/* An order about a connection that its relay has already. */
static void
order_send(const struct connection *connection, enum order_kind kind,
    int backend)
{
	struct order order;

	memset(&order, 0, sizeof(order));
	order.kind = (uint8_t)kind;
	order.id = connection_id(connection);
	if (kind == ORDER_END) {
		order.refusal = (uint8_t)connection->refusal;
		order.head = connection->head;
	}
	channel_order(connection->relay, &order, -1, backend);
}

static enum connection_event
resolve_next(struct connection *connection, struct walk *walk)
{
	connection->handoff = HANDOFF_NEVER;
	return resolve(connection, walk);
}

static enum connection_event
change(struct connection *connection, struct walk *walk)
{
	connection->untold = true;
	order_send(connection, ORDER_NEXT, walk->found.socket);
	return EVENT_NONE;
}

static enum connection_event
end(struct connection *connection, struct walk *walk)
{
	log_refused(connection, connection->refusal, walk->where);
	order_send(connection, ORDER_END, -1);
	(void)dismiss(connection, walk);	/* its relay will tell */
	return EVENT_NONE;
}

static enum connection_event
forget(struct connection *connection, struct walk *walk)
{
	(void)walk;
	find_drop(connection);
	return EVENT_NONE;
}

static enum connection_event
await(struct connection *connection, struct walk *walk)
{
	(void)walk;
	return follow(connection);
}

static action_fn *const actions[ACTION_COUNT] = {
	[ACTION_NOTHING] = nothing,
	[ACTION_SHOW] = show,
	[ACTION_SHOW_AGAIN] = show_again,
	[ACTION_LOOKUP] = resolve,
	[ACTION_RECALL] = recall,
	[ACTION_PASS] = pass,
	[ACTION_ATTACH] = attach,
	[ACTION_FIND_RELAY] = find_relay,
	[ACTION_WAIT] = wait_another,
	[ACTION_ABANDON] = abandon,
	[ACTION_REFUSE] = refuse,
	[ACTION_LOSE] = lose,
	[ACTION_TELL] = tell,
	[ACTION_LEAVE] = leave,
	[ACTION_KILL] = kill_parser,
	[ACTION_LOOKUP_NEXT] = resolve_next,
	[ACTION_SWITCH] = change,
	[ACTION_END] = end,
	[ACTION_FORGET] = forget,
	[ACTION_DISMISS] = dismiss,
	[ACTION_AWAIT] = await,
	[ACTION_FREE] = release
};

static void __attribute__((noreturn))
no_cell(enum connection_state state, enum connection_event event)
{
	errx(1, "no transition from %s on %s", state_name(state),
	    event_name(event));
}

/* No relay has it, and no tenant. */
static bool
undecided(const struct connection *connection)
{
	return connection->state != STATE_FREE && connection->client != -1;
}

int
machine_step(struct connection *connection, enum connection_event event)
{
	const bool		 before = undecided(connection);
	const struct transition	*cell;
	struct walk		 walk;

	if (!state_allows(connection->state, event))
		return -1;
	walk.where = NULL;
	do {
		cell = &transitions[connection->state][event];
		if (cell->action == ACTION_BROKEN)
			no_cell(connection->state, event);
		if (step_said != NULL)
			step_said(connection_id(connection), connection->state,
			    event, cell->action, cell->next);
		connection->state = cell->next;
		event = actions[cell->action](connection, &walk);
		if ((action_events[cell->action] & 1U << event) == 0)
			no_cell(connection->state, event);
	} while (event != EVENT_NONE);
	connection_time(connection, state_timers[connection->state]);
	if (before != undecided(connection))
		connections_decided(before);
	return 0;
}

void
machine_must(struct connection *connection, enum connection_event event)
{
	if (machine_step(connection, event) == -1)
		no_cell(connection->state, event);
}

static void
on_timer(struct connection *connection)
{
	machine_must(connection, EVENT_TIMER);
}

/* It was waited for just so long. */
static void
on_answered(void *connection)
{
	connection_time(connection, TIMER_NONE);
	machine_must(connection, EVENT_ANSWERED);
}

void
machine_debug(void (*said)(uint32_t, enum connection_state,
    enum connection_event, enum connection_action, enum connection_state))
{
	step_said = said;
}

void
machine_make(struct event_base *base, unsigned int n, void (*freed)(void))
{
	connections_make(base, n, on_timer, freed);
	queries_make(base, on_answered);
}
