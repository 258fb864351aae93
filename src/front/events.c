/* SPDX-License-Identifier: ISC */
#include <sys/socket.h>

#include <string.h>
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

/* Another host than that of the request before? */
static bool
is_elsewhere(const struct connection *connection,
    const struct verdict *verdict)
{
	return connection->named != (verdict->code == VERDICT_NAMED) ||
	    memcmp(&connection->name, &verdict->name,
	    sizeof(connection->name)) != 0;
}

static enum connection_event
event_of(const struct connection *connection, const struct verdict *verdict)
{
	switch ((enum verdict_code)verdict->code) {
	case VERDICT_NAMED:
	case VERDICT_NAMELESS:
		return connection->state != STATE_PEEKING &&
		    is_elsewhere(connection, verdict) ? EVENT_ELSEWHERE :
		    EVENT_REQUEST;
	case VERDICT_MORE:
		return EVENT_MORE;
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

/* Is it one that this parser may give about this connection now? */
static bool
verdict_allowed(const struct child *parser,
    const struct connection *connection, const struct verdict *verdict)
{
	struct verdict_context context;

	if (connection == NULL || connection->parser != parser)
		return false;
	context.protocol = connection->protocol;
	context.first = connection->state == STATE_PEEKING;
	/* A parser that was asked may refuse; one that was only told to close
	 * its copy says that. */
	context.asked = state_allows(connection->state, EVENT_REFUSED);
	context.dropped = state_allows(connection->state, EVENT_GONE);
	context.partial = connection->partial && !context.first;
	return rules_verdict(verdict, &context) &&
	    state_allows(connection->state, event_of(connection, verdict)) &&
	    !(context.first && channel_unsaid(parser, verdict->id));
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
request_take(struct connection *connection, const struct verdict *verdict)
{
	connection->grant = verdict->grant;
	connection->partial = verdict->partial == 1;
	connection->pipelined = verdict->pipelined == 1;
	if (verdict->code == VERDICT_MORE)
		return;
	connection->named = verdict->code == VERDICT_NAMED;
	connection->name = verdict->name;	/* hostname_check()ed */
	connection->acme = verdict->acme == 1;
	connection->tries = 0;
}

static void
verdict_take(struct connection *connection, const struct verdict *verdict,
    enum connection_event event)
{
	if (event == EVENT_GONE) {
		connection->pipelined = false;	/* nobody waits for it */
	} else if (event == EVENT_REFUSED) {
		connection->refusal = (enum refusal)verdict->refusal;
		/* Half a request is not answered before it has ended. */
		connection->pipelined = verdict->pipelined == 1 &&
		    !connection->partial;
		connection->named = false;	/* an earlier request's name */
	} else {
		request_take(connection, verdict);
	}
}

int
events_verdict(struct child *parser, const struct verdict *verdict)
{
	struct connection	*connection = connection_of(verdict->id);
	enum connection_event	 event;

	/* Before anything is changed: whoever breaks the rules is killed, and
	 * then all that he holds must still be known to be his. */
	if (!verdict_allowed(parser, connection, verdict))
		return -1;
	event = event_of(connection, verdict);
	if (connection->state == STATE_PEEKING)
		parser->shown--;
	turn_over(connection);
	if (verdict->kept == 0)
		parser_released(connection);
	verdict_take(connection, verdict, event);
	return machine_step(connection, event);
}

int
events_report(struct child *relay, const struct report *report)
{
	struct connection *connection = connection_of(report->value);

	/* What was let go while the report was on its way. */
	if (connection == NULL || connection->relay != relay)
		return channel_belated(relay);
	switch ((enum report_kind)report->kind) {
	case REPORT_MOVED:
		connection->closable = true;
		return machine_step(connection, EVENT_MOVED);
	case REPORT_LONELY:
		if (!connection->closable)
			return -1;
		connection->closable = false;
		return machine_step(connection, EVENT_BACKEND_CLOSED);
	case REPORT_LEFT:
		return machine_step(connection, EVENT_ENDED);
	case REPORT_READY:
	case REPORT_PONG:
	case REPORT_ENDED:
		break;
	}
	return -1;
}

static void
parser_lost(struct connection *connection)
{
	turn_over(connection);
	/* Its death says nothing of the response. */
	connection->pipelined = !connection->partial;
	parser_released(connection);
	machine_must(connection, EVENT_PARSER_LOST);
}

void
events_lost(struct child *child)
{
	struct connection *connection = NULL;

	while ((connection = connections_next(connection)) != NULL) {
		if (connection->parser == child) {
			parser_lost(connection);
		} else if (connection->relay == child) {
			connection->relay = NULL;
			machine_must(connection, EVENT_RELAY_LOST);
		}
	}
}
