/* SPDX-License-Identifier: ISC */
/*
 * A connection wakes one front, the first in the listener's queue that does
 * nothing else.  The one that is woken owes it to the connection to accept it:
 * nobody else will be woken for it.  So a front without room is never in the
 * queue, and each looks once in LOOK_S seconds for what another was woken for
 * and did not take, having been killed or out of memory.
 *
 * Left to itself the first in the queue would get all connections while it
 * has little to do, and whoever keeps connections open would fill that one
 * shard.  So who has accepted goes to the end of the queue, by chance every
 * second time: were it always, somebody who opens connections by turns, one
 * to be kept and one to be closed, would choose the shard of those he keeps.
 * A front that is fuller does it each time, and only after a rest.
 */
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../common/tcp_options.h"
#include "accept.h"
#include "accept_system.h"
#include "random.h"

enum {
	ACCEPTS_PER_TURN = 8,	/* more are for others to take, */
	ACCEPTS_ALONE = 64,	/* where there are others */
	SWEEP_MAX = 4096,	/* as many as a backlog holds: SOMAXCONN */
	REST_MAX_MS = 4,	/* out of the queue, after accepting, when all
				 * places are taken: none while half of them
				 * are free, and in proportion from there */
	PAUSE_MS = 20,		/* no room */
	LOOK_S = 1,
	SWEEP_MS = 50		/* for the last ACK of a handshake, which may
				 * still be in the queue of a busy kernel: its
				 * connection would be reset */
};

struct listener {
	struct accept_listener	 socket;
	struct event		*event;
	bool			 waits;		/* in the queue */
};

static const struct accept_front	*front;
static struct listener			*listeners;
static size_t				 nlisteners;
static struct event			*rejoin_timer, *look_timer, *stop_timer;
static int				 turn, last_turn; /* accepts in one */
static bool				 started, stopped;
static bool				 told;	/* of an error, once */

static void
leave(struct listener *listener)
{
	if (listener->waits)
		accept_leave(listener->event);
	listener->waits = false;
}

static void
rejoin_after(int ms)
{
	const struct timeval then = { 0, ms * 1000 };

	if (ms >= PAUSE_MS && evtimer_pending(rejoin_timer, NULL) != 0)
		return;		/* it comes sooner */
	/* When it fails, the next look does what it was for. */
	(void)evtimer_add(rejoin_timer, &then);
}

static void
tell(int error)
{
	if (!told)
		front->says(error);
	told = true;
}

static void
join(struct listener *listener)
{
	if (listener->waits || stopped)
		return;
	if (front->room(listener->socket.protocol)) {
		listener->waits = accept_join(listener->event) == 0;
		if (!listener->waits)
			tell(errno);
	}
	if (!listener->waits)
		rejoin_after(PAUSE_MS);
}

static void
pause_listener(struct listener *listener)
{
	leave(listener);
	if (!stopped)
		rejoin_after(PAUSE_MS);
}

static void
rejoin(evutil_socket_t fd, short what, void *arg)
{
	size_t i;

	(void)fd;
	(void)what;
	(void)arg;
	for (i = 0; i < nlisteners; i++)
		join(&listeners[i]);
}

/* Knuth's generator: who goes first is not worth a system call. */
static uint64_t	state;

static bool
chance(void)
{
	state = state * 6364136223846793005U + 1442695040888963407U;
	return state >> 63 != 0;
}

/* Something was accepted at this listener: let others go first. */
static void
give_way(struct listener *listener)
{
	unsigned int	total, used;
	size_t		i;
	int		rest;

	if (front->shards <= 1 || stopped)
		return;
	used = front->used(&total);
	rest = used <= total / 2 ? 0 :
	    (int)((used - total / 2) * (uint64_t)REST_MAX_MS * 2 / total);
	if (rest > 0) {
		for (i = 0; i < nlisteners; i++)
			leave(&listeners[i]);
		rejoin_after(rest);
	} else if (listener->waits && chance()) {
		leave(listener);
		join(listener);
	}
}

static int
accept_one(const struct listener *listener, struct ends *ends)
{
	socklen_t	size = sizeof(ends->client);
	int		client;

	memset(ends, 0, sizeof(*ends));
	client = accept4(listener->socket.fd, (struct sockaddr *)&ends->client,
	    &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (client == -1)
		return -1;
	size = sizeof(ends->listener);
	/* When it fails the address stays unspecified; nothing hangs on it. */
	(void)getsockname(client, (struct sockaddr *)&ends->listener, &size);
	ends->changed = listener->socket.changed;
	/* When it fails the client has left, which will be seen. */
	if (listener->socket.given)
		(void)tcp_options_on(client, listener->socket.changed);
	return client;
}

/* A client that left already: not our trouble. */
static bool
left_already(int error)
{
	return error == ECONNABORTED || error == EINTR || error == EPROTO ||
	    error == EPERM;
}

/* Takes in up to n connections; gives whether there were any. */
static bool
take(struct listener *listener, int n)
{
	struct ends	ends;
	int		client, i;
	bool		any = false;

	for (i = 0; i < n && front->room(listener->socket.protocol); i++) {
		client = accept_one(listener, &ends);
		if (client != -1) {
			told = false;
			any = true;
			front->taken(client, listener->socket.protocol, &ends);
			continue;
		}
		if (errno == EAGAIN)
			break;
		if (left_already(errno))
			continue;
		tell(errno);
		pause_listener(listener);
		break;
	}
	if (!front->room(listener->socket.protocol))
		pause_listener(listener);
	return any;
}

static void
ready(evutil_socket_t fd, short what, void *arg)
{
	struct listener *listener = arg;

	(void)fd;
	(void)what;
	/* Even when the turn of another listener has just taken this one out of
	 * the queue: it was this front that was woken. */
	if (take(listener, turn))
		give_way(listener);
}

static void
look(evutil_socket_t fd, short what, void *arg)
{
	size_t i;

	(void)fd;
	(void)what;
	(void)arg;
	for (i = 0; i < nlisteners; i++) {
		if (listeners[i].waits)
			(void)take(&listeners[i], turn);
		else
			join(&listeners[i]);
	}
}

static void
stop_now(evutil_socket_t fd, short what, void *arg)
{
	size_t i;

	(void)fd;
	(void)what;
	(void)arg;
	for (i = 0; i < nlisteners; i++) {
		(void)take(&listeners[i], last_turn);
		/* Others have the socket: closing alone would leave it in our
		 * epoll descriptor. */
		event_free(listeners[i].event);
		front->shut(listeners[i].socket.fd);
	}
	nlisteners = 0;
	front->over();
}

void
accept_make(struct event_base *base, const struct accept_front *this_front,
    const struct accept_listener *sockets, size_t n)
{
	size_t i;

	front = this_front;
	turn = front->shards > 1 ? ACCEPTS_PER_TURN : ACCEPTS_ALONE;
	nlisteners = n;
	listeners = calloc(n, sizeof(struct listener));
	rejoin_timer = evtimer_new(base, rejoin, NULL);
	look_timer = event_new(base, -1, EV_PERSIST, look, NULL);
	stop_timer = evtimer_new(base, stop_now, NULL);
	if (listeners == NULL || rejoin_timer == NULL || look_timer == NULL ||
	    stop_timer == NULL)
		errx(1, "out of memory");
	if (random_take(&state, sizeof(state)) == -1)
		err(1, "random numbers");
	for (i = 0; i < n; i++) {
		listeners[i].socket = sockets[i];
		listeners[i].event = event_new(base, sockets[i].fd,
		    EV_READ | EV_PERSIST, ready, &listeners[i]);
		if (listeners[i].event == NULL)
			errx(1, "out of memory");
	}
}

void
accept_start(void)
{
	static const struct timeval	often = { LOOK_S, 0 };
	size_t				i;

	started = true;
	for (i = 0; i < nlisteners; i++) {
		if (accept_watch(listeners[i].event) == -1)
			err(1, "listening socket %d", listeners[i].socket.fd);
		listeners[i].waits = true;
		if (!front->room(listeners[i].socket.protocol))
			pause_listener(&listeners[i]);
	}
	/* Where there are no others, none has left anything. */
	if (front->shards > 1 && evtimer_add(look_timer, &often) == -1)
		errx(1, "out of memory");
}

void
accept_stop(bool sweep)
{
	const struct timeval	then = { 0, sweep ? SWEEP_MS * 1000 : 0 };
	size_t			i;

	if (stopped)
		return;
	stopped = true;
	/* What never served leaves the backlog to those who do: a program that
	 * is tried is killed as soon as it is ready. */
	last_turn = !started ? 0 : sweep ? SWEEP_MAX : turn;
	(void)event_del(rejoin_timer);	/* fails only without an event_base */
	(void)event_del(look_timer);
	for (i = 0; i < nlisteners; i++) {
		leave(&listeners[i]);
		(void)take(&listeners[i], last_turn);
	}
	if (evtimer_add(stop_timer, &then) == -1)
		errx(1, "out of memory");
}
