/* SPDX-License-Identifier: ISC */
/*
 * The listening sockets in use.  How they come to be is in listen_open.c.
 */
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accept.h"
#include "../common/tcp_options.h"
#include "connection.h"

enum {
	ACCEPTS_PER_TURN = 64,
	SWEEP_MAX = 4096,
	PAUSE_MS = 20	/* no room: a level-triggered listener would spin */
};

static struct front_listener	*listeners;
static struct event_base *loop;
static size_t		 nlisteners;
static struct event	*resume_timer;
static bool		 stopped;

static void
pause_listener(struct front_listener *listener)
{
	static const struct timeval soon = { 0, PAUSE_MS * 1000 };

	(void)event_del(listener->event);
	if (!evtimer_pending(resume_timer, NULL))
		(void)evtimer_add(resume_timer, &soon);
}

static void
resume_all(evutil_socket_t fd, short what, void *arg)
{
	size_t i;

	(void)fd;
	(void)what;
	(void)arg;
	for (i = 0; i < nlisteners && !stopped; i++) {
		if (event_add(listeners[i].event, NULL) == -1)
			pause_listener(&listeners[i]);
	}
}

static int
accept_one(const struct front_listener *listener, struct ends *ends)
{
	socklen_t	size = sizeof(ends->client);
	int		client;

	memset(ends, 0, sizeof(*ends));
	client = accept4(listener->fd, (struct sockaddr *)&ends->client,
	    &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (client == -1)
		return -1;
	size = sizeof(ends->listener);
	/* When it fails the address stays unspecified; nothing hangs on it. */
	(void)getsockname(client, (struct sockaddr *)&ends->listener, &size);
	ends->changed = listener->changed;
	/* When it fails the client has left, which will be seen. */
	if (listener->given)
		(void)tcp_options_on(client, listener->changed);
	return client;
}

/* Takes in up to n connections; gives how many. */
static int
take(struct front_listener *listener, int n)
{
	static bool	told;
	struct ends	ends;
	int		client, taken;

	for (taken = 0; taken < n; taken++) {
		if (!connection_room(listener->protocol)) {
			pause_listener(listener);
			break;
		}
		client = accept_one(listener, &ends);
		if (client != -1) {
			told = false;
			connection_begin(client, listener->protocol, &ends);
			continue;
		}
		if (errno == EAGAIN)
			break;
		/* A client that left already: not our trouble. */
		if (errno == ECONNABORTED || errno == EINTR ||
		    errno == EPROTO || errno == EPERM)
			continue;
		if (!told)
			;
		told = true;
		pause_listener(listener);
		break;
	}
	return taken;
}

static void
ready(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)take(arg, ACCEPTS_PER_TURN);
}

void
accept_start(void)
{
	struct event_base *base = loop;
	size_t i;

	resume_timer = evtimer_new(base, resume_all, NULL);
	if (resume_timer == NULL)
		errx(1, "out of memory");
	for (i = 0; i < nlisteners; i++) {
		listeners[i].event = event_new(base, listeners[i].fd,
		    EV_READ | EV_PERSIST, ready, &listeners[i]);
		if (listeners[i].event == NULL ||
		    event_add(listeners[i].event, NULL) == -1)
			errx(1, "event");
	}
}

void
accept_stop(bool sweep)
{
	size_t i;

	if (stopped)
		return;
	stopped = true;
	for (i = 0; i < nlisteners; i++) {
		if (sweep)
			(void)take(&listeners[i], SWEEP_MAX);
		if (listeners[i].event) (void)event_del(listeners[i].event);	/* before the close */
		(void)close(listeners[i].fd);
	}
}

bool accept_stopped(void) { return stopped; }
void accept_make(struct event_base *base, struct front_listener *l, size_t n)
{ loop = base; listeners = l; nlisteners = n; }
