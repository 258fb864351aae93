/* SPDX-License-Identifier: ISC */
#include <sys/socket.h>

#include <unistd.h>

#include "channel.h"
#include "counts.h"
#include "events.h"
#include "machine.h"
#include "recycle.h"
#include "refused.h"
#include "rules.h"

bool
events_room(enum protocol protocol)
{
	return connections_room() &&
	    child_choose(ROLE_PARSER, protocol) != NULL;
}

void
events_accept(int client, enum protocol protocol, const struct ends *ends)
{
	struct connection *connection;

	if (!connections_room()) {
		/* It should have been asked. */
		refused_log(protocol, ends, NULL, REFUSAL_OVERLOAD, NULL);
		(void)close(client);	/* nobody else has it */
		return;
	}
	connection = connection_new();
	connection->client = client;
	connection->protocol = protocol;
	connection->ends = *ends;
	connection->handoff = HANDOFF_ASK;
	count(protocol, COUNT_ACCEPTED);
	machine_must(connection, EVENT_ACCEPTED);
}

static enum connection_event
event_of(const struct verdict *verdict)
{
	switch ((enum verdict_code)verdict->code) {
	case VERDICT_NAMED:
	case VERDICT_NAMELESS:
		return EVENT_REQUEST;
	case VERDICT_REFUSED:
		return EVENT_REFUSED;
	case VERDICT_GONE:
		return EVENT_GONE;
	case VERDICT_READY:	/* rules_verdict() refuses these two */
	case VERDICT_PONG:
		break;
	}
	return EVENT_NONE;	/* which no state allows */
}

/*
 * Is it one that this parser may give about this connection now?  Of what is
 * still on its way to it, it can say nothing but that the relay has ended it.
 */
static bool
verdict_allowed(const struct child *parser,
    const struct connection *connection, const struct verdict *verdict)
{
	if (connection == NULL || connection->parser != parser)
		return false;
	if (connection->untold && (connection->state == STATE_PEEKING ||
	    verdict->code != VERDICT_GONE))
		return false;
	return rules_verdict(verdict, connection->protocol) &&
	    state_allows(connection->state, event_of(verdict));
}

/*
 * The parser may have asked for readiness from many bytes on; whoever gets
 * the socket next must not inherit that.
 */
static void
lowat_reset(int client)
{
	const int one = 1;

	(void)setsockopt(client, SOL_SOCKET, SO_RCVLOWAT, &one, sizeof(one));
}

/* The parser no longer has the turn that it had alone, and for a time. */
static void
turn_over(struct connection *connection)
{
	if (state_timers[connection->state] != TIMER_PARSER)
		return;
	connection_time(connection, TIMER_NONE);
	lowat_reset(connection->client);
}

/* The parser has no copy any more. */
static void
parser_released(struct connection *connection)
{
	struct child *parser = connection->parser;

	connection->parser = NULL;
	parser->load--;
	recycle_released(parser);
}

static void
verdict_take(struct connection *connection, const struct verdict *verdict)
{
	connection->refusal = (enum refusal)verdict->refusal;
	connection->head = verdict->head == 1;
	connection->tries = 0;
	/* Of all that is refused, only this is about the host that was named
	 * last. */
	if (verdict->refusal == REFUSAL_NO_ANSWER)
		return;
	connection->named = verdict->code == VERDICT_NAMED;
	connection->name = verdict->name;	/* hostname_check()ed */
	connection->acme = verdict->acme == 1;
}

/* A TLS parser sees all that it can at once; one for HTTP goes on. */
static bool
releases(const struct connection *connection, const struct verdict *verdict)
{
	return connection->protocol == PROTOCOL_TLS ||
	    verdict->code == VERDICT_REFUSED || verdict->code == VERDICT_GONE;
}

int
events_verdict(struct child *parser, const struct verdict *verdict)
{
	struct connection *connection = connection_of(verdict->id);

	/* Before anything is changed: whoever breaks the rules is killed, and
	 * then all that he holds must still be known to be his. */
	if (!verdict_allowed(parser, connection, verdict))
		return -1;
	if (connection->state == STATE_PEEKING)
		parser->shown--;
	turn_over(connection);
	if (releases(connection, verdict))
		parser_released(connection);
	if (verdict->code != VERDICT_GONE)
		verdict_take(connection, verdict);
	return machine_step(connection, event_of(verdict));
}

/* Of one that was only refused, or is TLS, no id was said. */
static int
ended_nameless(struct child *relay)
{
	if (relay->protocol == PROTOCOL_TLS)
		return 0;
	if (relay->refusing == 0)
		return -1;
	relay->refusing--;
	return 0;
}

int
events_report(struct child *relay, const struct report *report)
{
	struct connection *connection;

	count_ended(relay->protocol, (enum ending)report->ending, report->up,
	    report->down);
	if (report->id == 0)
		return ended_nameless(relay);
	connection = connection_of(report->id);
	if (connection == NULL || connection->relay != relay)
		return -1;
	connection->relay = NULL;
	return machine_step(connection, EVENT_ENDED);
}

void
events_told(uint32_t id)
{
	struct connection *connection = connection_of(id);

	if (connection != NULL)
		connection->untold = false;
}

/*
 * One that died may have died of a connection that it had not decided; one
 * that had to be ended with its relay has not, and those that are undecided
 * are shown to another.
 */
static void
parser_lost(struct connection *connection)
{
	const struct child	*pair = connection->parser->pair;
	const bool		 innocent = pair != NULL &&
				    pair->state == CHILD_NONE;

	turn_over(connection);
	parser_released(connection);
	machine_must(connection, innocent &&
	    state_allows(connection->state, EVENT_PAIR_LOST) ?
	    EVENT_PAIR_LOST : EVENT_PARSER_LOST);
}

void
events_lost(struct child *child)
{
	struct connection *connection = NULL;

	child->refusing = 0;
	while ((connection = connections_next(connection)) != NULL) {
		if (connection->parser == child) {
			parser_lost(connection);
		} else if (connection->relay == child) {
			connection->relay = NULL;
			machine_must(connection, EVENT_RELAY_LOST);
		}
	}
}
