/* SPDX-License-Identifier: ISC */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connection.h"
#include "counts.h"

enum {
	INDEX_BITS = 20,	/* of an id; the rest is a generation */
	INDEX_MASK = (1 << INDEX_BITS) - 1
};

static const int64_t limits[TIMER_COUNT] = {	/* ms */
	[TIMER_PARSER] = 15 * 1000,	/* its own deadline is 10 s */
	[TIMER_LOOKUP] = 1000,	/* with a directory that a tenant may hold */
	[TIMER_RETRY] = 50
};

static struct connection	*connections, *free_connections;
static unsigned int		 nconnections, present, undecided;
static unsigned int		 nused;	/* beyond them untouched memory */
static struct timeouts		 timers[TIMER_COUNT];
static void			(*connection_expired)(struct connection *);
static void			(*connection_freed)(void);

void
connection_time(struct connection *connection, enum connection_timer timer)
{
	if (connection->timer == timer)
		return;
	if (connection->timer != TIMER_NONE)
		timeouts_remove(&timers[connection->timer], &connection->age);
	connection->timer = timer;
	if (timer != TIMER_NONE)
		timeouts_touch(&timers[timer], &connection->age);
}

static void
expired(struct timeout *age)
{
	struct connection *connection;

	connection = (void *)((char *)age - offsetof(struct connection, age));
	connection->timer = TIMER_NONE;		/* it has been taken out */
	connection_expired(connection);
}

uint32_t
connection_id(const struct connection *connection)
{
	return connection->generation << INDEX_BITS |
	    (uint32_t)(connection - connections + 1);
}

struct connection *
connection_of(uint32_t id)
{
	struct connection	*connection;
	uint32_t		 index = id & INDEX_MASK;

	if (index == 0 || index > nused)
		return NULL;
	connection = &connections[index - 1];
	return connection->state != STATE_FREE &&
	    connection_id(connection) == id ? connection : NULL;
}

struct connection *
connection_new(void)
{
	struct connection	*connection = free_connections;
	uint32_t		 generation;

	if (connection != NULL)
		free_connections = connection->next_free;
	else
		connection = &connections[nused++];
	present++;
	generation = connection->generation;
	memset(connection, 0, sizeof(*connection));
	connection->generation = generation;
	connection->client = -1;
	return connection;
}

void
connection_free(struct connection *connection)
{
	connection_time(connection, TIMER_NONE);
	if (connection->client != -1)
		(void)close(connection->client);	/* nobody needs it */
	connection->client = -1;
	connection->parser = connection->relay = NULL;
	connection->generation++;
	connection->next_free = free_connections;
	free_connections = connection;
	present--;
	connection_freed();
}

bool
connections_room(void)
{
	return free_connections != NULL || nused < nconnections;
}

unsigned int
connections_present(void)
{
	return present;
}

struct connection *
connections_next(struct connection *connection)
{
	connection = connection == NULL ? connections : connection + 1;
	while (connection < connections + nused &&
	    connection->state == STATE_FREE)
		connection++;
	return connection < connections + nused ? connection : NULL;
}

void
connections_decided(bool decided)
{
	undecided = decided ? undecided - 1 : undecided + 1;
	count_present(GAUGE_UNDECIDED, undecided);
}

unsigned int
connections_used(unsigned int *total)
{
	*total = nconnections;
	return present;
}

void
connections_make(struct event_base *base, unsigned int n,
    void (*on_expired)(struct connection *), void (*on_freed)(void))
{
	int timer;

	if (n > INDEX_MASK)
		n = INDEX_MASK;
	connections = calloc(n, sizeof(*connections));
	if (connections == NULL)
		errx(1, "out of memory");
	nconnections = n;
	connection_expired = on_expired;
	connection_freed = on_freed;
	for (timer = TIMER_NONE + 1; timer < TIMER_COUNT; timer++)
		timeouts_init(&timers[timer], base, limits[timer], expired);
}
