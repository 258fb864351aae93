/* SPDX-License-Identifier: ISC */
/*
 * The connections in this parser's hands: each is peeked at until the protocol
 * has a verdict, and never is a byte taken out of it.
 */
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/timeouts.h"
#include "../child/confine.h"
#include "../child/idmap.h"
#include "../common/refusal.h"
#include "client.h"
#include "lowat.h"
#include "protocol.h"
#include "say.h"

enum {
	DEADLINE_MS = 10 * 1000, /* for a whole hello or head, not per byte */
	LOOKS_FREE = 8,		/* looks before a connection must rest */
	REST_MS = 20,		/* bounds the looks of one that drips bytes: */
	RESTS_MAX = 32,		/* it rests longer each time, up to so many */
	LOOKS_PER_TURN = 8,	/* then the front may say something, */
	TURN_MS = 5		/* or sooner: the kernel takes up to 30 ms to
				 * show what came in segments of a few bytes */
};

TAILQ_HEAD(client_queue, client);

struct client {
	struct idnode	node;		/* first: in ids */
	struct event	event;
	struct protocol_state state;
	struct timeout	deadline;
	struct timeout	rest;
	TAILQ_ENTRY(client) turn;
	struct client_queue *queue;	/* where it waits for a look, or NULL */
	struct client  *next_free;
	int		fd;
	int		lowat;
	unsigned int	looks;
	unsigned int	rests;		/* turns of REST_MS to sit out */
	bool		granted;	/* waits for INTAKE_LOOK */
	bool		at_once;	/* its bytes waited for us, not we
					 * for them */
	bool		drained;	/* the grant was all there was, and
					 * nothing has come since */
	bool		watched;
	bool		ended;
	bool		begun;		/* something of a request was seen */
};

/* A quarter is left for ids and what libevent has of each. */
_Static_assert(sizeof(struct client) + SAY_MEMORY <=
    MEMORY_PER_DESCRIPTOR / 4 * 3, "the limit has room for both tables");

static struct event_base *base;
static struct event	*turn_event;
/* Those that are looked at for the first time, and the others. */
static struct client_queue firsts = TAILQ_HEAD_INITIALIZER(firsts);
static struct client_queue agains = TAILQ_HEAD_INITIALIZER(agains);
static bool		 agains_due;	/* the last turn had none of these */
static struct timeouts	 deadlines, resting;
static struct idmap	 ids;
static struct client	*clients, *free_clients;
static size_t		 nclients, nused; /* beyond nused untouched memory */
static uint8_t		*window;

static void
client_unwatch(struct client *client)
{
	if (client->watched)
		(void)event_del(&client->event);	/* before the close */
	client->watched = false;
}

/*
 * It is looked at when those have been that waited before.  However many are
 * ready at once, and whatever a look costs, the front is heard in between.
 * One that comes with all that it has to say does not wait behind those that
 * say little each time.
 */
static void
client_queue(struct client *client)
{
	if (client->queue != NULL)
		return;
	client->queue = client->looks == 0 ? &firsts : &agains;
	TAILQ_INSERT_TAIL(client->queue, client, turn);
	event_active(turn_event, 0, 0);
}

static void
client_unqueue(struct client *client)
{
	if (client->queue != NULL)
		TAILQ_REMOVE(client->queue, client, turn);
	client->queue = NULL;
}

/* The front has heard all about it: its place may be given to another. */
static void
client_said(size_t number)
{
	struct client *client = &clients[number];

	if (client->fd != -1)
		return;		/* kept */
	client->next_free = free_clients;
	free_clients = client;
}

/*
 * A copy that is not kept is closed before the verdict leaves: it would keep
 * the connection open after everyone else has let go of it.
 */
static void
client_verdict(struct client *client, struct verdict *verdict)
{
	verdict->id = client->node.id;
	timeouts_remove(&deadlines, &client->deadline);
	timeouts_remove(&resting, &client->rest);
	client_unqueue(client);
	client->granted = true;
	if (!verdict->kept) {
		client_unwatch(client);
		idmap_remove(&ids, &client->node);
		(void)close(client->fd);	/* a copy; nothing is lost */
		client->fd = -1;
	}
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
	const int *lowat = lowat_at_most(wanted > protocol_window ?
	    protocol_window : wanted);

	if (*lowat != client->lowat) {
		if (setsockopt(client->fd, SOL_SOCKET, SO_RCVLOWAT, lowat,
		    sizeof(*lowat)) == -1) {
			client_gone(client);
			return;
		}
		client->lowat = *lowat;
	}
	if (client->looks > LOOKS_FREE) {
		client_unwatch(client);
		client->rests = client->looks - LOOKS_FREE;
		if (client->rests > RESTS_MAX)
			client->rests = RESTS_MAX;
		timeouts_touch(&resting, &client->rest);
		return;
	}
	if (client->watched)
		return;
	if (event_add(&client->event, NULL) == -1)
		client_refuse(client, REFUSAL_OVERLOAD);
	else
		client->watched = true;
}

/* n bytes are there, and missing ones must still come. */
static void
client_go_on(struct client *client, size_t n, size_t missing)
{
	/* Between requests a client may be silent for as long as the relay
	 * lets it; once it has begun one, it must get on with it. */
	if (client->begun && !client->state.partial &&
	    !client->deadline.listed)
		timeouts_touch(&deadlines, &client->deadline);
	/* Where one byte more may do, any event may bring it. */
	client_wait(client, missing == 1 ? 1 : n + missing);
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
client_look(struct client *client)
{
	struct verdict	verdict;
	size_t		missing = 1;
	ssize_t		n;
	enum look	look;

	client->looks++;
	do {
		n = recv(client->fd, window, protocol_window,
		    MSG_PEEK | MSG_DONTWAIT);
	} while (n == -1 && errno == EINTR);
	if (n == -1 && errno == EAGAIN && !client->ended) {
		client->at_once = false;
		client_wait(client, 1);
		return;
	}
	if (n <= 0) {
		client_gone(client);
		return;
	}
	memset(&verdict, 0, sizeof(verdict));
	look = protocol_look(&client->state, window, (size_t)n, &verdict,
	    &missing);
	/* The next client's parser must find nothing of this one. */
	explicit_bzero(window, (size_t)n);
	if (look == LOOK_VERDICT) {
		verdict.pipelined = client->at_once;
		/* While a body passes, its segments must not wake us. */
		if (verdict.grant > (uint64_t)n)
			client_unwatch(client);
		client->drained = client->watched && !client->ended &&
		    verdict.grant == (uint64_t)n;
		client_verdict(client, &verdict);
		return;
	}
	client->begun |= look == LOOK_WAIT;
	if (client->ended)
		client_end(client, REFUSAL_TRUNCATED);
	else
		client_go_on(client, (size_t)n, missing);
}

/* Whose turn it is.  Of each kind there is one in two turns at least. */
static struct client *
client_next(void)
{
	struct client *client = TAILQ_FIRST(&firsts);

	if (client == NULL || (agains_due && !TAILQ_EMPTY(&agains)))
		client = TAILQ_FIRST(&agains);
	if (client != NULL && client->queue == &agains)
		agains_due = false;
	return client;
}

static void
take_turns(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval	 at_once = { 0, 0 };
	const int64_t			 end = timeouts_now() + TURN_MS;
	const bool			 due = agains_due;
	struct client			*client;
	int				 looks;

	(void)fd;
	(void)what;
	(void)arg;
	for (looks = 0; looks < LOOKS_PER_TURN; looks++) {
		client = client_next();
		if (client == NULL)
			return;
		client_unqueue(client);
		client_look(client);
		if (timeouts_now() >= end)
			break;
	}
	agains_due = !due;
	/* A timer has its turn behind what the loop finds ready. */
	if (!TAILQ_EMPTY(&firsts) || !TAILQ_EMPTY(&agains))
		(void)evtimer_add(turn_event, &at_once);
}

static void
client_ready(evutil_socket_t fd, short what, void *arg)
{
	struct client *client = arg;

	(void)fd;
	if ((what & EV_CLOSED) != 0)
		client->ended = true;
	client->drained = false;
	if (!client->granted)
		client_queue(client);
}

static void
client_late(struct timeout *age)
{
	struct client *client;

	client = (void *)((char *)age - offsetof(struct client, deadline));
	client_end(client, REFUSAL_TIMEOUT);
}

/* Each rest is longer than the last: the deadline bounds their number. */
static void
client_rested(struct timeout *age)
{
	struct client *client;

	client = (void *)((char *)age - offsetof(struct client, rest));
	if (--client->rests > 0) {
		timeouts_touch(&resting, &client->rest);
		return;
	}
	client_queue(client);
}

void
client_begin(int fd, uint32_t id)
{
	struct client *client = free_clients;

	if (client != NULL)
		free_clients = client->next_free;
	else if (nused < nclients)
		client = &clients[nused++];
	else
		_exit(1);	/* more connections than agreed */
	client->fd = fd;
	client->lowat = 1;
	client->looks = 0;
	memset(&client->state, 0, sizeof(client->state));
	idmap_add(&ids, &client->node, id);
	client->granted = client->drained = client->at_once = false;
	client->ended = client->begun = false;
	client->queue = NULL;
	client->watched = false;
	/* Edge-triggered: level-triggered would spin on unread bytes. */
	if (event_assign(&client->event, base, fd,
	    EV_READ | EV_CLOSED | EV_ET | EV_PERSIST, client_ready,
	    client) == -1)
		_exit(1);	/* only for what is no event */
	timeouts_touch(&deadlines, &client->deadline);
	client_queue(client);
}

void
client_word(uint32_t id, enum intake_kind kind)
{
	struct client *client = (void *)idmap_find(&ids, id);

	if (client == NULL)
		return;		/* it left while the word was on its way */
	if (kind == INTAKE_DROP) {
		client_gone(client);
		return;
	}
	if (!client->granted)
		_exit(1);	/* the front does not say such things */
	client->looks = 0;
	client->granted = client->begun = false;
	client->at_once = !client->drained;
	/* Nothing to see before the next event. */
	if (!client->drained)
		client_queue(client);
}

bool
client_known(uint32_t id)
{
	return idmap_find(&ids, id) != NULL;
}

void
clients_make(struct event_base *loop, size_t n)
{
	base = loop;
	nclients = n;
	clients = calloc(n, sizeof(*clients));
	window = calloc(1, protocol_window);
	turn_event = evtimer_new(base, take_turns, NULL);
	if (clients == NULL || window == NULL || turn_event == NULL)
		errx(1, "out of memory");
	say_make(base, n, client_said);
	idmap_make(&ids, n);
	timeouts_init(&deadlines, base, DEADLINE_MS, client_late);
	timeouts_init(&resting, base, REST_MS, client_rested);
}
