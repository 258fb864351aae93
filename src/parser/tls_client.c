/* SPDX-License-Identifier: ISC */
/*
 * usherd-tls: each connection is peeked at until there is a verdict, and with
 * that it is let go: the rest is encrypted.
 */
#include <sys/socket.h>

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/shares.h"
#include "../common/refusal.h"
#include "../child/confine.h"
#include "../child/idmap.h"
#include "flight.h"
#include "lowat.h"
#include "peek.h"
#include "protocol.h"
#include "say.h"
#include "tls.h"

enum { DEADLINE_MS = 10 * 1000 };	/* for a whole hello, not per byte */

struct client {
	struct idnode	node;		/* first: in ids */
	struct peek	peek;
	struct timeout	deadline;
	struct client  *next_free;
	int		lowat;
	bool		begun;		/* something of a hello was seen */
};

/* A quarter is left for ids and what libevent has of each. */
_Static_assert(sizeof(struct client) + SAY_MEMORY <=
    MEMORY_PER_DESCRIPTOR / 4 * 3, "the limit has room for both tables");

const enum protocol	 protocol_spoken = PROTOCOL_TLS;
const unsigned int	 protocol_descriptors = TLS_DESCRIPTORS;
const int		 protocol_pair = 0;

static struct timeouts	 deadlines;
static struct idmap	 ids;
static struct client	*clients, *free_clients;
static size_t		 nclients, nused; /* beyond nused untouched memory */

/* The front has heard all about it: its place may be given to another. */
static void
client_said(size_t number)
{
	struct client *client = &clients[number];

	client->next_free = free_clients;
	free_clients = client;
}

/*
 * The copy is closed before the verdict leaves: it would keep the connection
 * open after everyone else has let go of it.
 */
static void
client_verdict(struct client *client, struct verdict *verdict)
{
	verdict->id = client->node.id;
	timeouts_remove(&deadlines, &client->deadline);
	idmap_remove(&ids, &client->node);
	peek_end(&client->peek);
	say((size_t)(client - clients), verdict);
}

static void
client_refuse(struct client *client, enum refusal refusal)
{
	struct verdict verdict;

	memset(&verdict, 0, sizeof(verdict));
	verdict.code = VERDICT_REFUSED;
	verdict.refusal = (uint8_t)refusal;
	client_verdict(client, &verdict);
}

static void
client_gone(struct client *client)
{
	struct verdict verdict;

	memset(&verdict, 0, sizeof(verdict));
	verdict.code = VERDICT_GONE;
	client_verdict(client, &verdict);
}

/*
 * Readiness is asked for from the number of bytes on that could make a
 * difference: looking again at each segment would be quadratic.
 */
static void
client_wait(struct client *client, size_t wanted)
{
	const int *lowat;

	lowat = lowat_at_most(wanted > FLIGHT_MAX ? FLIGHT_MAX : wanted);
	if (*lowat != client->lowat) {
		if (setsockopt(client->peek.fd, SOL_SOCKET, SO_RCVLOWAT,
		    lowat, sizeof(*lowat)) == -1) {
			client_gone(client);
			return;
		}
		client->lowat = *lowat;
	}
	if (peek_wait(&client->peek) == -1)
		client_refuse(client, REFUSAL_OVERLOAD);
}

/* Nothing more comes of what it has begun.  Who never began anything, as
 * browsers that connect ahead, is not told anything either. */
static void
client_end(struct client *client, enum refusal refusal)
{
	if (client->begun)
		client_refuse(client, refusal);
	else
		client_gone(client);
}

static void
client_read(struct client *client, size_t n)
{
	struct verdict	verdict;
	size_t		missing = 1;
	enum tls_look	look;

	memset(&verdict, 0, sizeof(verdict));
	look = tls_look(peek_bytes(), n, &verdict, &missing);
	peek_forget();
	if (look == TLS_VERDICT) {
		client_verdict(client, &verdict);
		return;
	}
	client->begun = true;
	if (client->peek.ended)
		client_end(client, REFUSAL_TRUNCATED);
	else	/* where one byte more may do, any event may bring it */
		client_wait(client, missing == 1 ? 1 : n + missing);
}

static void
client_look(struct peek *peek)
{
	struct client	*client;
	size_t		 n;

	client = (void *)((char *)peek - offsetof(struct client, peek));
	switch (peek_see(peek, FLIGHT_MAX, &n)) {
	case PEEK_BYTES:
		client_read(client, n);
		return;
	case PEEK_NOTHING:
		if (peek->ended)
			break;
		client_wait(client, 1);
		return;
	case PEEK_END:
	case PEEK_BROKEN:
		break;
	}
	client_gone(client);
}

static void
client_late(struct timeout *age)
{
	struct client *client;

	client = (void *)((char *)age - offsetof(struct client, deadline));
	client_end(client, REFUSAL_TIMEOUT);
}

bool
protocol_knows(uint32_t id)
{
	return idmap_find(&ids, id) != NULL;
}

void
protocol_show(uint32_t id, int fd)
{
	struct client *client = free_clients;

	if (client != NULL)
		free_clients = client->next_free;
	else if (nused < nclients)
		client = &clients[nused++];
	else
		_exit(1);	/* more connections than agreed */
	client->lowat = 1;
	client->begun = false;
	idmap_add(&ids, &client->node, id);
	peek_begin(&client->peek, fd, client_look);
	peek_reads(&client->peek, PEEK_MESSAGE);
	timeouts_touch(&deadlines, &client->deadline);
	peek_soon(&client->peek);
}

void
protocol_attach(uint32_t id, int backend)
{
	(void)id;
	(void)backend;
	_exit(1);		/* the front does not say such things */
}

void
protocol_drop(uint32_t id)
{
	struct client *client = (void *)idmap_find(&ids, id);

	if (client != NULL)	/* else it left while that was on its way */
		client_gone(client);
}

void
protocol_drain(void)
{
	_exit(1);		/* the front does not say such things */
}

/* Nobody would hear a verdict, nor show us anything. */
void
protocol_orphaned(void)
{
	_exit(0);
}

int
protocol_engine(const char *engine)
{
	return tls_engine(engine);
}

void
protocol_make(struct event_base *loop, size_t n)
{
	nclients = n;
	clients = calloc(n, sizeof(*clients));
	if (clients == NULL)
		errx(1, "out of memory");
	peeks_make(loop, FLIGHT_MAX);
	say_make(loop, n, client_said, protocol_orphaned);
	idmap_make(&ids, n);
	timeouts_init(&deadlines, loop, DEADLINE_MS, client_late);
}
