/* SPDX-License-Identifier: ISC */
/*
 * The hands' work: two sockets, two directions, each of which ends by itself
 * (half-close), and the goodbye to a client that is to be closed.
 */
#include <sys/socket.h>

#include <err.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "../common/agelist.h"
#include "mover.h"
#include "relay.h"

enum {
	IDLE_MS = 60 * 60 * 1000,
	GOODBYE_MS = 2 * 1000,	/* for the client to read what it was told */
	STARVED_MS = 50,	/* no pipe to be had: try again */
	MOVES_PER_TURN = 32	/* then the others have their turn */
};

struct side {
	struct event	event;
	int		fd;
	bool		readable;
	bool		writable;
};

/* One direction: bytes from a side, on their way to the other. */
struct flow {
	struct load	load;
	bool		ended;	/* nothing more will be taken in */
	bool		shut;	/* and the receiver has been told */
};

struct pair {
	struct side	 client;
	struct side	 backend;	/* fd -1 once it is gone: goodbye */
	struct flow	 up;		/* client to backend */
	struct flow	 down;
	uint64_t	 grant;		/* bytes that up may still take in */
	struct age	 age;		/* in idle or in goodbye */
	TAILQ_ENTRY(pair) turn;		/* in turns while queued */
	bool		 queued;
	struct pair	*next_free;
};

TAILQ_HEAD(pair_head, pair);

static struct agelist	 idle, goodbye;
static struct event	*turn_event;
static struct pair_head	 turns = TAILQ_HEAD_INITIALIZER(turns);
static struct pair	*free_pairs;
static size_t		 live;
static uint64_t		 unlimited;

static void
side_close(struct side *side)
{
	if (side->fd == -1)
		return;
	/* Before the close, or stale events arrive for a reused number. */
	(void)event_del(&side->event);
	(void)close(side->fd);	/* what was to be sent is in the kernel */
	side->fd = -1;
}

static void
turn_leave(struct pair *pair)
{
	if (!pair->queued)
		return;
	TAILQ_REMOVE(&turns, pair, turn);
	pair->queued = false;
}

static void
pair_end(struct pair *pair)
{
	agelist_remove(pair->backend.fd == -1 ? &goodbye : &idle, &pair->age);
	turn_leave(pair);
	side_close(&pair->client);
	side_close(&pair->backend);
	mover_drop(&pair->up.load);
	mover_drop(&pair->down.load);
	pair->next_free = free_pairs;
	free_pairs = pair;
	if (--live == 0)
		mover_trim();
	relay_ended();
}

/*
 * The client has been told all that there is; what it still sends is thrown
 * away unseen, because a close with bytes unread would reset the connection
 * and lose the answer on its way.
 */
static void
discard(struct pair *pair)
{
	ssize_t	n;
	int	turn;

	for (turn = 0; turn < MOVES_PER_TURN; turn++) {
		n = recv(pair->client.fd, NULL, 1024 * 1024,
		    MSG_TRUNC | MSG_DONTWAIT);
		if (n == -1)
			return;	/* nothing more now; the timer ends it */
		if (n == 0) {
			pair_end(pair);
			return;
		}
	}
}

static void
pair_goodbye(struct pair *pair)
{
	agelist_remove(&idle, &pair->age);
	turn_leave(pair);
	side_close(&pair->backend);
	mover_drop(&pair->up.load);
	agelist_touch(&goodbye, &pair->age);
	if (shutdown(pair->client.fd, SHUT_WR) == -1)
		pair_end(pair);
	else
		discard(pair);
}

/* Runs the pair once more, after the others or after some time. */
static void
turn_again(struct pair *pair, int ms)
{
	const struct timeval wait = { 0, ms * 1000 };

	if (pair->queued)
		return;
	pair->queued = true;
	TAILQ_INSERT_TAIL(&turns, pair, turn);
	if (!evtimer_pending(turn_event, NULL))
		(void)evtimer_add(turn_event, &wait);
}

/* Takes the next bytes in, or gives on what is held.  One step. */
static enum moved
flow_step(struct flow *flow, struct side *from, struct side *to,
    uint64_t *grant)
{
	enum moved moved;

	if (flow->load.held > 0) {
		if (!to->writable)
			return MOVED_NONE;
		moved = mover_drain(&flow->load, to->fd);
		if (moved == MOVED_NONE)
			to->writable = false;
		return moved;
	}
	if (flow->ended || !from->readable || *grant == 0)
		return MOVED_NONE;
	moved = mover_fill(&flow->load, from->fd, grant);
	if (moved == MOVED_NONE)
		from->readable = false;
	return moved;
}

/* Nothing more will come: tells the receiver once the last byte is gone. */
static void
flow_finish(struct flow *flow, struct side *to)
{
	if (!flow->ended || flow->shut || flow->load.held > 0)
		return;
	/* A receiver that is gone already needs not be told. */
	(void)shutdown(to->fd, SHUT_WR);
	flow->shut = true;
}

/* Client to backend.  Gives false when the pair has come to its end. */
static bool
up_step(struct pair *pair, bool *progress)
{
	const bool draining = pair->up.load.held > 0;

	switch (flow_step(&pair->up, &pair->client, &pair->backend,
	    &pair->grant)) {
	case MOVED_SOME:
		*progress = true;
		return true;
	case MOVED_NONE:
		return true;
	case MOVED_STARVED:
		turn_again(pair, STARVED_MS);
		return true;
	case MOVED_END:
		pair->up.ended = true;
		pair->client.readable = false;
		return true;
	case MOVED_BROKEN:
		break;
	}
	if (!draining)
		return false;		/* the client is gone */
	/* The tenant reads no more, but its answer may still be coming. */
	mover_drop(&pair->up.load);
	pair->up.ended = pair->up.shut = true;
	return true;
}

static bool
down_step(struct pair *pair, bool *progress)
{
	const bool draining = pair->down.load.held > 0;

	switch (flow_step(&pair->down, &pair->backend, &pair->client,
	    &unlimited)) {
	case MOVED_SOME:
		*progress = true;
		return true;
	case MOVED_NONE:
		return true;
	case MOVED_STARVED:
		turn_again(pair, STARVED_MS);
		return true;
	case MOVED_END:
		pair->down.ended = true;
		return true;
	case MOVED_BROKEN:
		break;
	}
	if (draining)
		return false;		/* the client is gone */
	/* A tenant that closed with bytes unread: the same as its end. */
	pair->down.ended = true;
	return true;
}

/* Has the tenant closed altogether, not just ended its own direction? */
static bool
backend_gone(const struct pair *pair)
{
	struct pollfd backend = { pair->backend.fd, 0, 0 };

	return poll(&backend, 1, 0) == 1;	/* POLLHUP or POLLERR */
}

static void
pair_run(struct pair *pair)
{
	bool	progress;
	int	turn;

	for (turn = 0; turn < MOVES_PER_TURN; turn++) {
		progress = false;
		if (!up_step(pair, &progress) ||
		    !down_step(pair, &progress)) {
			pair_end(pair);
			return;
		}
		if (!progress)
			break;
	}
	flow_finish(&pair->up, &pair->backend);
	flow_finish(&pair->down, &pair->client);
	if (pair->down.shut && pair->client.fd != -1 && !pair->up.shut &&
	    backend_gone(pair)) {
		pair_goodbye(pair);
		return;
	}
	if (pair->up.shut && pair->down.shut) {
		if (pair->up.load.held == 0 && pair->client.readable)
			pair_goodbye(pair);
		else
			pair_end(pair);
		return;
	}
	if (turn == MOVES_PER_TURN)
		turn_again(pair, 0);
}

static void
client_ready(evutil_socket_t fd, short what, void *arg)
{
	struct pair *pair = arg;

	(void)fd;
	if (pair->backend.fd == -1) {
		discard(pair);
		return;
	}
	pair->client.readable |= (what & EV_READ) != 0;
	pair->client.writable |= (what & EV_WRITE) != 0;
	agelist_touch(&idle, &pair->age);
	pair_run(pair);
}

static void
backend_ready(evutil_socket_t fd, short what, void *arg)
{
	struct pair *pair = arg;

	(void)fd;
	pair->backend.readable |= (what & EV_READ) != 0;
	pair->backend.writable |= (what & EV_WRITE) != 0;
	agelist_touch(&idle, &pair->age);
	pair_run(pair);
}

static void
pair_late(struct age *age)
{
	pair_end((void *)((char *)age - offsetof(struct pair, age)));
}

static void
take_turns(evutil_socket_t fd, short what, void *arg)
{
	struct pair_head	 now = TAILQ_HEAD_INITIALIZER(now);
	struct pair		*pair;

	(void)fd;
	(void)what;
	(void)arg;
	TAILQ_CONCAT(&now, &turns, turn);
	while ((pair = TAILQ_FIRST(&now)) != NULL) {
		TAILQ_REMOVE(&now, pair, turn);
		pair->queued = false;
		pair_run(pair);
	}
}

/*
 * Both directions, edge-triggered, once for the life of the pair: no system
 * call is spent on changing what is waited for, and a side that has ended
 * cannot spin.
 */
static void
side_watch(struct side *side, int fd, event_callback_fn ready,
    struct pair *pair)
{
	side->fd = fd;
	side->readable = side->writable = true;	/* tried, not waited for */
	if (event_assign(&side->event, relay_base, fd,
	    EV_READ | EV_WRITE | EV_ET | EV_PERSIST, ready, pair) == -1 ||
	    event_add(&side->event, NULL) == -1)
		errx(1, "event");
}

static struct pair *
pair_new(int client, uint64_t grant)
{
	struct pair *pair = free_pairs;

	if (pair == NULL)
		errx(1, "more connections than agreed");
	free_pairs = pair->next_free;
	live++;
	mover_empty(&pair->up.load);
	mover_empty(&pair->down.load);
	pair->up.ended = pair->up.shut = false;
	pair->down.ended = pair->down.shut = false;
	pair->grant = grant;
	pair->backend.fd = -1;
	pair->queued = false;
	side_watch(&pair->client, client, client_ready, pair);
	return pair;
}

void
pair_relay(int client, int backend, uint64_t grant)
{
	struct pair *pair;

	pair = pair_new(client, grant);
	side_watch(&pair->backend, backend, backend_ready, pair);
	agelist_touch(&idle, &pair->age);
	pair_run(pair);
}

void
pair_refuse(int client, const void *answer, size_t n)
{
	struct pair *pair;

	pair = pair_new(client, 0);
	/* Some hundred bytes into an empty buffer: all or the client is gone. */
	if (send(client, answer, n, MSG_NOSIGNAL | MSG_DONTWAIT) !=
	    (ssize_t)n)
		pair_end(pair);
	else
		pair_goodbye(pair);
}

void
pair_table(size_t n)
{
	struct pair	*pairs;
	size_t		 i;

	pairs = calloc(n, sizeof(*pairs));
	turn_event = evtimer_new(relay_base, take_turns, NULL);
	if (pairs == NULL || turn_event == NULL)
		errx(1, "out of memory");
	for (i = n; i-- > 0;) {
		pairs[i].next_free = free_pairs;
		free_pairs = &pairs[i];
	}
	unlimited = GRANT_UNLIMITED;
	agelist_init(&idle, relay_base, IDLE_MS, pair_late);
	agelist_init(&goodbye, relay_base, GOODBYE_MS, pair_late);
}
