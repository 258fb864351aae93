/* SPDX-License-Identifier: ISC */
#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "request.h"

enum { REQUESTS = REQUEST_LOST + PLACES };

static bool		 unsaid[REQUESTS];
static struct event	*writable;

/* The launcher's end only closes when it has ended, and we with it. */
static void
say_all(evutil_socket_t fd, short what, void *arg)
{
	unsigned char	request;
	unsigned int	i;

	(void)fd;
	(void)what;
	(void)arg;
	for (i = 0; i < REQUESTS; i++) {
		if (!unsaid[i])
			continue;
		request = (unsigned char)i;
		if (write(FRONT_REQUEST, &request, 1) == -1 &&
		    (errno == EAGAIN || errno == EINTR)) {
			(void)event_add(writable, NULL);
			return;
		}
		unsaid[i] = false;
	}
}

static void
say(unsigned int request)
{
	unsaid[request] = true;
	say_all(-1, 0, NULL);
}

void
request_say(enum request request)
{
	say((unsigned int)request);
}

void
request_replace(enum child_kind kind)
{
	say(REQUEST_REPLACE + (unsigned int)kind);
}

void
request_kill(unsigned int place)
{
	say(REQUEST_KILL + place);
}

void
request_lost(unsigned int place)
{
	say(REQUEST_LOST + place);
}

void
request_make(struct event_base *base)
{
	writable = event_new(base, FRONT_REQUEST, EV_WRITE, say_all, NULL);
	if (writable == NULL)
		errx(1, "out of memory");
}
