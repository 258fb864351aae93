/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <unistd.h>

#include "loop.h"

static void	(*speaker)(const char *);

static void
warned(int severity, const char *text)
{
	(void)severity;
	if (speaker != NULL)
		speaker(text);
}

/* What was fatal has been said. */
static void
fatal(int error)
{
	(void)error;
	_exit(1);
}

static void
nothing(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

/* The heap of pending timers grows by realloc(3) and never shrinks. */
static int
timers_reserve(struct event_base *base, size_t n)
{
	static const struct timeval	 never = { 24 * 60 * 60, 0 };
	struct event			**timers;
	size_t				 i;
	int				 result = 0;

	timers = calloc(n, sizeof(struct event *));
	if (timers == NULL)
		return -1;
	for (i = 0; i < n && result == 0; i++) {
		timers[i] = evtimer_new(base, nothing, NULL);
		if (timers[i] == NULL || evtimer_add(timers[i], &never) == -1)
			result = -1;
	}
	for (i = 0; i < n; i++) {
		if (timers[i] != NULL)
			event_free(timers[i]);	/* no longer pending */
	}
	free(timers);
	return result;
}

struct event_base *
loop_new(void (*says)(const char *), size_t timers)
{
	struct event_base *base;

	speaker = says;
	event_set_log_callback(warned);
	event_set_fatal_callback(fatal);
	base = event_base_new();
	if (base == NULL || timers_reserve(base, timers) == 0)
		return base;
	event_base_free(base);
	return NULL;
}
