/* SPDX-License-Identifier: ISC */
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../common/message_send.h"
#include "logger.h"
#include "page.h"
#include "pipes.h"
#include "say.h"
#include "shard.h"
#include "start.h"
#include "unit.h"

enum {
	REQUESTS_PER_READ = 64,
	MISSED_MAX = 3,		/* pings, each some seconds apart */
	UNREAPED_MAX = 2,	/* the same, of one that was killed */
	AGAIN_MS = 1000
};

static bool	finishing;

void
shard_make(struct shard *shard, unsigned int number)
{
	unsigned int place;

	memset(shard, 0, sizeof(*shard));
	shard->number = number;
	shard->pid = -1;
	shard->control = shard->request = -1;
	for (place = 0; place < PLACES; place++)
		shard->children[place].pid = -1;
	if (start_pipe(&shard->log[0], &shard->log[1]) == -1)
		err(1, "log pipe");
	log_pipe_grow(shard->log[1]);
	page_make(shard->page);
}

static const char *
front_name(const struct shard *shard)
{
	static char name[48];

	(void)snprintf(name, sizeof(name), "front %u (pid %d)",
	    shard->number, (int)shard->pid);
	return name;
}

static void
front_close(struct shard *shard)
{
	if (shard->control != -1)
		(void)close(shard->control);	/* nobody is there */
	if (shard->request != -1)
		(void)close(shard->request);
	shard->control = shard->request = -1;
}

/* Gives -1 with errno. */
static int
front_start(struct shard *shard, const struct settings *settings)
{
	int control, request, error;

	if (start_control(&shard->control, &control) == -1)
		return -1;
	if (start_pipe(&shard->request, &request) == -1) {
		(void)close(control);
		return -1;
	}
	shard->pid = start_front(settings, shard->number, control, request,
	    shard->log[1], shard->page[0]);
	error = errno;
	(void)close(control);	/* the front has it, or nobody */
	(void)close(request);
	errno = error;
	return shard->pid == -1 ? -1 : 0;
}

void
shard_start(struct shard *shard, const struct settings *settings)
{
	shard->restart.due = 0;
	shard->restart.started = shard_now();
	shard->pinged = shard->killed = false;
	shard->missed = 0;
	shard->state = FRONT_STARTING;
	logger_shard(shard);
	if (front_start(shard, settings) == 0) {
		units_start(shard, settings);
		return;
	}
	say("front %u: cannot start: %s", shard->number, strerror(errno));
	front_close(shard);
	shard->state = FRONT_DOWN;
	shard->failed = true;
	shard->restart.due = shard_now() + AGAIN_MS;
}

static void
front_kill(struct shard *shard, const char *why)
{
	if (shard->pid == -1 || shard->killed)
		return;
	say("%s %s: replacing it", front_name(shard), why);
	shard->killed = true;
	shard->missed = 0;
	(void)kill(shard->pid, SIGKILL);	/* ours, and not yet reaped */
}

static void
front_tell(struct shard *shard, enum front_kind kind, bool sweep)
{
	struct front_order order;

	memset(&order, 0, sizeof(order));
	order.kind = (uint32_t)kind;
	order.sweep = sweep;
	if (shard->control != -1 && message_send(shard->control, &order,
	    sizeof(order), NULL, 0) == -1 && errno != EPIPE &&
	    errno != ECONNRESET)
		front_kill(shard, "takes no messages");
}

void
shard_serve(struct shard *shard)
{
	shard->state = FRONT_SERVING;
	front_tell(shard, FRONT_SERVE, false);
}

void
shard_drain(struct shard *shard, bool sweep)
{
	if (shard->state != FRONT_DOWN)
		shard->state = FRONT_DRAINING;
	front_tell(shard, FRONT_DRAIN, sweep);
}

static void
request_take(struct shard *shard, unsigned char request,
    const struct settings *settings)
{
	if (request == REQUEST_READY && shard->state == FRONT_STARTING) {
		shard->state = FRONT_READY;
		shard->failed = false;
	} else if (request == REQUEST_PONG && shard->pinged) {
		shard->pinged = false;
		shard->missed = 0;
	} else if (request >= REQUEST_REPLACE &&
	    request < REQUEST_REPLACE + CHILD_KINDS) {
		unit_replace(shard, (enum child_kind)(request -
		    REQUEST_REPLACE), settings);
	} else if (request >= REQUEST_KILL &&
	    request < REQUEST_KILL + PLACES) {
		unit_kill(shard, request - REQUEST_KILL);
	} else if (request >= REQUEST_LOST &&
	    request < REQUEST_LOST + PLACES) {
		unit_lost(shard, request - REQUEST_LOST);
	}
}

void
shard_hear(struct shard *shard, const struct settings *settings)
{
	unsigned char	requests[REQUESTS_PER_READ];
	ssize_t		n, i;

	n = read(shard->request, requests, sizeof(requests));
	if (n == 0) {		/* SIGCHLD tells how it ended */
		(void)close(shard->request);
		shard->request = -1;
	}
	for (i = 0; i < n; i++)
		request_take(shard, requests[i], settings);
}

int64_t
shard_due(struct shard *shard, const struct settings *settings, int64_t now)
{
	if (finishing)
		return 0;
	if (shard->state == FRONT_DOWN && shard->restart.due != 0 &&
	    shard->restart.due <= now)
		shard_start(shard, settings);
	if (shard->state == FRONT_DOWN)
		return shard->restart.due;
	if (shard->state == FRONT_DRAINING)
		return 0;
	return units_due(shard, settings, now);
}

/* What it had not decided is lost; what is relayed goes on. */
static void
front_ended(struct shard *shard, int status)
{
	const bool	drained = shard->state == FRONT_DRAINING &&
			    WIFEXITED(status) && WEXITSTATUS(status) == 0;
	char		name[48];

	(void)snprintf(name, sizeof(name), "%s", front_name(shard));
	if (!shard->settled && ending_by_refusal(status))
		shard->refused = true;
	else if (!(shard->killed && ending_by_kill(status)) && !drained)
		say("%s %s", name, ending(status));
	if (shard->state == FRONT_STARTING || shard->state == FRONT_READY)
		shard->failed = true;
	shard->pid = -1;
	shard->state = FRONT_DOWN;
	front_close(shard);
	units_orphaned(shard);
	if (!finishing)
		restart_later(&shard->restart, name);
}

/*
 * While one of its threads waits in the kernel for what a tenant holds, a
 * process that was killed is not to be reaped: the shard goes on without it.
 */
static void
front_abandon(struct shard *shard)
{
	say("%s was killed and does not end: going on without it",
	    front_name(shard));
	front_ended(shard, 0);
}

void
shard_ping(struct shard *shard)
{
	if (shard->pid == -1)
		return;
	if (shard->killed) {
		if (++shard->missed >= UNREAPED_MAX)
			front_abandon(shard);
		return;
	}
	if (shard->pinged && ++shard->missed >= MISSED_MAX) {
		front_kill(shard, "does not answer");
		return;
	}
	if (!shard->pinged)
		front_tell(shard, FRONT_PING, false);
	shard->pinged = true;
}

bool
shard_reap(struct shard *shard, pid_t pid, int status)
{
	if (shard->pid != pid)
		return unit_reap(shard, pid, status);
	if (WIFSTOPPED(status))
		front_kill(shard, "stopped");
	else
		front_ended(shard, status);
	return true;
}

bool
shard_empty(const struct shard *shard)
{
	unsigned int place;

	for (place = 0; place < PLACES; place++) {
		if (shard->children[place].pid != -1)
			return false;
	}
	return shard->pid == -1;
}

void
shard_kill(struct shard *shard)
{
	unsigned int place;

	if (shard->pid != -1)
		(void)kill(shard->pid, SIGKILL);	/* ours */
	for (place = 0; place < PLACES; place++) {
		shard->children[place].killed = true;
		if (shard->children[place].pid != -1)
			(void)kill(shard->children[place].pid, SIGKILL);
	}
}

void
shards_finish(void)
{
	finishing = true;
}
