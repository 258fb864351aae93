/* SPDX-License-Identifier: ISC */
/*
 * The table of connections, and what the children say turned into events.
 */
#include <sys/socket.h>

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "counts.h"
#include "find.h"
#include "query.h"
#include "recycle.h"
#include "refused.h"
#include "rules.h"
#include "connection.h"

enum {
	INDEX_BITS = 20,	/* of an id; the rest is a generation */
	INDEX_MASK = (1 << INDEX_BITS) - 1,
	OVERDUE_MS = 15 * 1000,	/* a parser's own deadline is 10 s */
	LATER_MS = 50,
	PATIENCE_MS = 1000	/* with a directory that a tenant may hold */
};

static struct connection	*connections, *free_connections;
static unsigned int	 nconnections, present;
static unsigned int	 nused;		/* beyond them untouched memory */
static struct timeouts	 overdue, later, asked;
static void		(*connection_done)(void);

static void
timeout_move(struct connection *connection, struct timeouts *list)
{
	if (connection->listed != NULL)
		timeouts_remove(connection->listed, &connection->age);
	connection->listed = list;
	if (list != NULL)
		timeouts_touch(list, &connection->age);
}

uint32_t
connection_id(const struct connection *connection)
{
	return connection->generation << INDEX_BITS |
	    (uint32_t)(connection - connections + 1);
}

void
connection_free(struct connection *connection)
{
	timeout_move(connection, NULL);
	find_drop(connection);
	if (connection->client != -1)
		(void)close(connection->client);	/* nobody else needs it */
	connection->client = -1;
	connection->state = CONNECTION_FREE;
	connection->parser = connection->relay = NULL;
	connection->generation++;
	connection->next_free = free_connections;
	free_connections = connection;
	present--;
	connection_done();
}

void
connection_later(struct connection *connection)
{
	timeout_move(connection, &later);
}

void
connection_asked(struct connection *connection)
{
	timeout_move(connection, &asked);
}

void
connection_awaited(struct connection *connection)
{
	timeout_move(connection, &overdue);
}

void
connection_unkept(struct connection *connection)
{
	struct child *parser = connection->parser;

	connection->kept = false;
	connection->parser = NULL;
	if (parser == NULL)
		return;
	parser->load--;
	recycle_released(parser);
}

static void
connection_again(struct timeout *age)
{
	struct connection *connection;

	connection = (void *)((char *)age - offsetof(struct connection, age));
	connection->listed = NULL;
	/* ours, not a child's */
	(void)machine_step(connection, EVENT_LATER, NULL);
}

/* A look-up that it waited for is done. */
static void
connection_answered(void *asker)
{
	struct connection *connection = asker;

	timeout_move(connection, NULL);
	(void)machine_step(connection, EVENT_LATER, NULL);	/* ours, too */
}

static void
connection_overdue(struct timeout *age)
{
	struct connection *connection;

	connection = (void *)((char *)age - offsetof(struct connection, age));
	connection->listed = NULL;
	child_kill(connection->parser, LOG_KEPT);
}

static struct connection *
connection_of(uint32_t id)
{
	struct connection	*connection;
	uint32_t	 index = id & INDEX_MASK;

	if (index == 0 || index > nused)
		return NULL;
	connection = &connections[index - 1];
	return connection->state != CONNECTION_FREE && connection_id(connection) == id ?
	    connection : NULL;
}

static enum connection_event
event_of(enum verdict_code code)
{
	switch (code) {
	case VERDICT_NAMED:
	case VERDICT_NAMELESS:
		return EVENT_REQUEST;
	case VERDICT_MORE:
		return EVENT_MORE;
	case VERDICT_REFUSED:
		return EVENT_REFUSED;
	case VERDICT_GONE:
	case VERDICT_READY:	/* rules_verdict() has refused these two */
	case VERDICT_PONG:
		break;
	}
	return EVENT_GONE;
}

/* Is it one that this parser may give about this connection now? */
static bool
verdict_allowed(const struct child *parser, const struct connection *connection,
    const struct verdict *verdict)
{
	struct verdict_context context;

	if (connection == NULL || connection->parser != parser)
		return false;
	context.protocol = connection->protocol;
	context.first = connection->state == CONNECTION_SHOWN;
	context.asked = connection->asked;
	context.dropped = connection->state == CONNECTION_PARTING ||
	    connection->state == CONNECTION_LEAVING;
	context.partial = connection->partial && !context.first;
	return rules_verdict(verdict, &context) && machine_allows(connection,
	    event_of((enum verdict_code)verdict->code)) &&
	    !(context.first && channel_unsaid(parser, verdict->id));
}

/* The parser may have asked for readiness from many bytes on; whoever gets
 * the socket next must not inherit that. */
static void
lowat_reset(int client)
{
	const int one = 1;

	(void)setsockopt(client, SOL_SOCKET, SO_RCVLOWAT, &one, sizeof(one));
}

int
connection_verdict(struct child *parser, const struct verdict *verdict)
{
	struct connection *connection = connection_of(verdict->id);

	/* Before anything is changed: whoever breaks the rules is killed, and
	 * then all that he holds must still be known to be his. */
	if (!verdict_allowed(parser, connection, verdict))
		return -1;
	connection->asked = false;
	if (connection->state == CONNECTION_SHOWN)
		parser->shown--;
	if (connection->listed == &overdue) {	/* SHOWN, PARTING */
		timeout_move(connection, NULL);
		lowat_reset(connection->client);
	}
	if (verdict->kept == 0)
		connection_unkept(connection);
	return machine_step(connection,
	    event_of((enum verdict_code)verdict->code), verdict);
}

int
connection_report(struct child *relay, const struct report *report)
{
	struct connection *connection = connection_of(report->value);

	/* What was let go while the report was on its way. */
	if (connection == NULL || connection->relay != relay)
		return channel_belated(relay);
	switch ((enum report_kind)report->kind) {
	case REPORT_MOVED:
		connection->answered = true;
		return machine_step(connection, EVENT_MOVED, NULL);
	case REPORT_LONELY:
		/* Once, and only after that. */
		if (!connection->answered)
			return -1;
		connection->answered = false;
		return machine_step(connection, EVENT_LONELY, NULL);
	case REPORT_LEFT:
		return machine_step(connection, EVENT_LEFT, NULL);
	case REPORT_READY:
	case REPORT_PONG:
	case REPORT_ENDED:
		break;
	}
	return -1;
}

void
connections_lost(struct child *child)
{
	struct connection *connection;

	for (connection = connections; connection < connections + nused; connection++) {
		if (connection->state == CONNECTION_FREE)
			continue;
		if (connection->parser == child) {
			if (connection->listed == &overdue)
				timeout_move(connection, NULL);
			connection_unkept(connection);
			(void)machine_step(connection, EVENT_PARSER_LOST, NULL);
		} else if (connection->relay == child) {
			connection->relay = NULL;
			(void)machine_step(connection, EVENT_RELAY_LOST, NULL);
		}
	}
}

bool
connection_room(enum protocol protocol)
{
	return (free_connections != NULL || nused < nconnections) &&
	    child_choose(ROLE_PARSER, protocol) != NULL;
}

unsigned int
connections_used(unsigned int *total)
{
	*total = nconnections;
	return present;
}

unsigned int
connections_present(void)
{
	return present;
}

unsigned int
connections_unrelayed(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < nused; i++)
		n += connections[i].state == CONNECTION_SHOWN ||
		    connections[i].state == CONNECTION_WAITING ||
		    connections[i].state == CONNECTION_PARTING;
	return n;
}

int
connection_show(struct connection *connection)
{
	struct child *parser = child_choose(ROLE_PARSER, connection->protocol);

	if (parser == NULL)
		return -1;
	connection->state = CONNECTION_SHOWN;
	connection->asked = true;
	connection->parser = parser;
	parser->load++;
	parser->shown++;
	timeout_move(connection, &overdue);
	channel_intake(parser, INTAKE_SHOW, connection_id(connection),
	    connection->client);
	recycle_shown(parser);
	return 0;
}

void
connection_begin(int client, enum protocol protocol, const struct ends *ends)
{
	struct connection	*connection = free_connections;
	uint32_t	 generation;

	if (!connection_room(protocol)) {
		/* It should have been asked. */
		refused_log(protocol, ends, NULL, REFUSAL_OVERLOAD, NULL);
		(void)close(client);	/* nobody else has it */
		return;
	}
	if (connection != NULL)
		free_connections = connection->next_free;
	else
		connection = &connections[nused++];
	present++;
	generation = connection->generation;
	memset(connection, 0, sizeof(*connection));
	connection->generation = generation;
	connection->client = client;
	connection->protocol = protocol;
	connection->ends = *ends;
	count(protocol, COUNT_ACCEPTED);
	if (connection_show(connection) == -1) {
		refused_log(protocol, ends, NULL, REFUSAL_OVERLOAD, NULL);
		connection_free(connection);
	}
}

void
connections_make(struct event_base *base, unsigned int n, void (*done)(void))
{
	if (n > INDEX_MASK)
		n = INDEX_MASK;
	connections = calloc(n, sizeof(*connections));
	if (connections == NULL)
		errx(1, "out of memory");
	nconnections = n;
	connection_done = done;
	timeouts_init(&overdue, base, OVERDUE_MS, connection_overdue);
	timeouts_init(&later, base, LATER_MS, connection_again);
	timeouts_init(&asked, base, PATIENCE_MS, connection_again);
	queries_make(base, connection_answered);
}
