/* SPDX-License-Identifier: ISC */
/*
 * Moving: both directions of a pair as far as they will go, and what follows
 * when one of them has come to its end.
 */
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <err.h>
#include <poll.h>

#include "pair.h"
#include "relay.h"
#include "run.h"

enum {
	STARVED_MS = 50,	/* no pipe to be had: try again */
	ROOM_WORTHWHILE = 64 * 1024, /* else it had better be waited for */
	ROOM_LEAST = 4096,
	MOVES_PER_TURN = 32	/* then the others have their turn */
};

TAILQ_HEAD(pair_head, pair);

static struct event	*turn_event;
static struct pair_head	 turns = TAILQ_HEAD_INITIALIZER(turns);
static uint64_t		 unlimited = GRANT_UNLIMITED;

void
pair_run_never(struct pair *pair)
{
	if (!pair->queued)
		return;
	TAILQ_REMOVE(&turns, pair, turn);
	pair->queued = false;
}

void
pair_run_later(struct pair *pair, int ms)
{
	const struct timeval wait = { 0, ms * 1000 };

	if (pair->queued)
		return;
	pair->queued = true;
	TAILQ_INSERT_TAIL(&turns, pair, turn);
	if (!evtimer_pending(turn_event, NULL))
		(void)evtimer_add(turn_event, &wait);
}

/*
 * How much the receiver will take for certain, 0 until it says that it has
 * room.  What is taken in beyond that would rest in a pipe for as long as it
 * likes.  Asking whether it is ready makes it tell when it is.
 */
static size_t
room(struct pair *pair, struct side *to)
{
	struct pollfd	receiver = { to->fd, POLLOUT, 0 };
	size_t		space;

	if (!mover_tight())
		return SIZE_MAX;
	if (!to->writable)
		return 0;
	space = mover_room(to->fd);
	if (space >= ROOM_WORTHWHILE)
		return space;
	if (poll(&receiver, 1, 0) == 1)	/* or it is gone: that will be seen */
		return space > ROOM_LEAST ? space : ROOM_LEAST;
	to->writable = false;
	side_want(pair, to, EV_WRITE);
	return 0;
}

/* Takes the next bytes in, or gives on what is held.  One step. */
static enum moved
flow_step(struct pair *pair, struct flow *flow, struct side *from,
    struct side *to, uint64_t *grant)
{
	enum moved	moved;
	size_t		space;

	if (flow->load.held > 0) {
		if (!to->writable)
			return MOVED_NONE;
		moved = mover_drain(&flow->load, to->fd);
		if (moved == MOVED_NONE) {
			to->writable = false;
			side_want(pair, to, EV_WRITE);
		}
		return moved;
	}
	if (flow->ended || !from->readable || *grant == 0)
		return MOVED_NONE;
	space = room(pair, to);
	if (space == 0)
		return MOVED_NONE;
	moved = mover_fill(&flow->load, from->fd, grant, space);
	/* Watching a socket anew tells at once whether it has more. */
	if (moved == MOVED_NONE || (moved == MOVED_SOME && *grant > 0 &&
	    (from->watched & EV_READ) == 0)) {
		from->readable = false;
		side_want(pair, from, EV_READ);
	}
	return moved;
}

/*
 * Nothing more will come: tells the receiver once the last byte is gone.
 * Where the other direction is over too, closing it will tell.
 */
static void
flow_finish(struct flow *flow, struct side *to, bool other_over)
{
	if (!flow->ended || flow->shut || flow->load.held > 0)
		return;
	/* A receiver that is gone already needs not be told. */
	if (!other_over)
		(void)shutdown(to->fd, SHUT_WR);
	flow->shut = true;
}

/* Client to backend.  Gives false when the pair has come to its end. */
static bool
up_step(struct pair *pair, bool *progress)
{
	const bool draining = pair->up.load.held > 0;

	switch (flow_step(pair, &pair->up, &pair->client,
	    &pair->backend, &pair->grant)) {
	case MOVED_SOME:
		*progress = true;
		return true;
	case MOVED_NONE:
		return true;
	case MOVED_STARVED:
		pair_run_later(pair, STARVED_MS);
		return true;
	case MOVED_END:
		pair->up.ended = true;
		pair->client_read = true;
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

	switch (flow_step(pair, &pair->down, &pair->backend,
	    &pair->client, &unlimited)) {
	case MOVED_SOME:
		*progress = true;
		pair->answered = true;
		return true;
	case MOVED_NONE:
		return true;
	case MOVED_STARVED:
		pair_run_later(pair, STARVED_MS);
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

/* Has the client sent more, or ended, and nobody has taken it in yet? */
static bool
client_waits(const struct pair *pair)
{
	struct pollfd client = { pair->client.fd, POLLIN, 0 };

	return poll(&client, 1, 0) == 1;
}

/* The backend has ended its response, and the client has got all of it. */
static void
response_over(struct pair *pair)
{
	switch ((enum next_kind)pair->next) {
	case NEXT_BACKEND:
		pair_switch(pair);
		return;
	case NEXT_REFUSE:
		pair_answer(pair, pair->next_refusal);
		return;
	case NEXT_NONE:
		/*
		 * Another request is on its way already: it may have another
		 * connection, since nothing of it has been sent on this one.
		 * Without one the end must be passed on: it may be the only
		 * thing that ends the response.
		 */
		if (pair->node.id != 0 && pair->told && !pair->partial &&
		    backend_gone(pair) && client_waits(pair)) {
			pair->state = PAIR_LONELY;
			side_close(&pair->backend);
			mover_drop(&pair->up.load);
			report(&pair->unsaid, REPORT_LONELY, pair->node.id);
			return;
		}
		break;
	case NEXT_CLOSE:
		break;
	}
	flow_finish(&pair->down, &pair->client, pair->up.shut);
	if (!pair->up.shut && (pair->grant == 0 || backend_gone(pair)))
		pair_goodbye(pair);
}

/* Has the client ended, with nothing behind the present request? */
static bool
client_done(const struct pair *pair)
{
	int unread;

	return pair->client_ended &&
	    ioctl(pair->client.fd, FIONREAD, &unread) == 0 && unread == 0;
}

/*
 * The parser is to look for the next request only when this one is being
 * answered: a tenant that closes without an answer must end the connection,
 * or the client would take the next tenant's response for the missing one.
 */
static void
tell_moved(struct pair *pair)
{
	if (pair->node.id == 0 || pair->told || pair->grant > 0 ||
	    pair->state != PAIR_MOVING)
		return;
	if (!pair->partial && !pair->answered && !client_done(pair)) {
		side_want(pair, &pair->client, EV_CLOSED);
		return;
	}
	pair->told = true;
	report(&pair->unsaid, REPORT_MOVED, pair->node.id);
}

/* Gives false when the pair has ended. */
static bool
move(struct pair *pair, int *turn)
{
	bool progress, moved = false;

	for (*turn = 0; *turn < MOVES_PER_TURN; ++*turn) {
		progress = false;
		if (!up_step(pair, &progress) ||
		    !down_step(pair, &progress)) {
			pair_end(pair);
			return false;
		}
		if (!progress)
			break;
		moved = true;
	}
	tell_moved(pair);
	if (moved)
		pair_touch(pair);
	return true;
}

void
pair_run(struct pair *pair)
{
	int turn;

	if (pair->broken) {
		pair_end(pair);
		return;
	}
	if (pair->state == PAIR_GOODBYE) {
		pair_goodbye(pair);
		return;
	}
	if (pair->state == PAIR_LONELY || !move(pair, &turn))
		return;
	/* Nobody will take in more: what is left is the client's goodbye. */
	if (pair->grant == 0 && pair->node.id == 0) {
		side_want(pair, &pair->client, EV_READ | EV_CLOSED);
		if (pair->client_ended ||
		    (pair->next != NEXT_NONE && !pair->patient))
			pair->up.ended = true;
	}
	flow_finish(&pair->up, &pair->backend, pair->down.shut);
	if (pair->down.ended && pair->down.load.held == 0) {
		response_over(pair);
		if (pair->state != PAIR_MOVING || !pair->down.shut)
			return;
	}
	if (pair->up.shut && pair->down.shut) {
		if (pair->client_read)
			pair_end(pair);
		else
			pair_goodbye(pair);
		return;
	}
	if (turn == MOVES_PER_TURN)
		pair_run_later(pair, 0);
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

void
run_make(void)
{
	turn_event = evtimer_new(relay_base, take_turns, NULL);
	if (turn_event == NULL)
		errx(1, "out of memory");
}
