/* SPDX-License-Identifier: ISC */
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../common/message_send.h"
#include "logger.h"
#include "say.h"
#include "start.h"
#include "unit.h"

enum {
	REQUESTS_PER_READ = 64,
	MISSED_MAX = 3,
	AGAIN_MS = 1000,
	LAST_LINES_MS = 1000
};

static const struct settings	*settings;
static const struct shard	*shards;
static size_t			 nshards;
static pid_t			 pid = -1;
static int			 control = -1, request = -1;
static const char		*killed;	/* why, or NULL */
static bool			 pinged, ready, failed;
static unsigned int		 missed;
static struct restart		 restart;

/*
 * It reads the same pipes as the one before it.  Said anew for each front: a
 * pipe on which a front broke the rules is not read before that.
 */
void
logger_shard(const struct shard *shard)
{
	const int		fds[] = { shard->log[0], shard->page[1] };
	struct log_order	order;

	if (control == -1)
		return;		/* its successor will be told of all */
	memset(&order, 0, sizeof(order));
	order.kind = LOG_SHARD;
	order.shard = shard->number;
	(void)snprintf(order.text, sizeof(order.text), "%s",
	    settings->options.hosts);	/* for people: cut when too long */
	if (message_send(control, &order, sizeof(order), fds, 2) == -1)
		say("log of front %u: %s", shard->number, strerror(errno));
}

/* Nobody is at the other ends. */
static void
ends_close(void)
{
	if (control != -1)
		(void)close(control);
	if (request != -1)
		(void)close(request);
	control = request = -1;
}

/* Gives -1 with errno. */
static int
start(void)
{
	int	theirs[2], error;
	size_t	i;

	restart.due = 0;
	restart.started = shard_now();
	if (start_control(&control, &theirs[0]) == -1)
		return -1;
	if (start_pipe(&request, &theirs[1]) == -1) {
		(void)close(theirs[0]);
		ends_close();
		return -1;
	}
	pid = start_log(settings, theirs[0], theirs[1]);
	error = errno;
	(void)close(theirs[0]);	/* it has them, or nobody */
	(void)close(theirs[1]);
	if (pid == -1)
		ends_close();
	errno = error;
	if (pid == -1)
		return -1;
	killed = NULL;
	pinged = ready = false;
	missed = 0;
	for (i = 0; i < nshards; i++)
		logger_shard(&shards[i]);
	say_by(control);
	return 0;
}

void
logger_start(const struct settings *how, const struct shard *of, size_t n)
{
	settings = how;
	shards = of;
	nshards = n;
	if (start() == -1)
		err(1, "log process");
}

/* Why is said by its successor: this one writes nothing any more. */
static void
end_by_kill(const char *why)
{
	killed = why;
	(void)kill(pid, SIGKILL);	/* ours, and not yet reaped */
}

bool
logger_ready(void)
{
	return ready;
}

bool
logger_failed(void)
{
	return failed;
}

int
logger_request(void)
{
	return request;
}

void
logger_hear(void)
{
	unsigned char	requests[REQUESTS_PER_READ];
	ssize_t		n, i;

	n = read(request, requests, sizeof(requests));
	if (n == 0) {		/* SIGCHLD tells how it ended */
		(void)close(request);
		request = -1;
	}
	for (i = 0; i < n; i++) {
		ready |= requests[i] == REQUEST_READY;
		if (requests[i] == REQUEST_PONG) {
			pinged = false;
			missed = 0;
		}
	}
}

void
logger_ping(void)
{
	if (pid == -1 || killed != NULL)
		return;
	if (pinged && ++missed >= MISSED_MAX) {
		end_by_kill("does not answer");
		return;
	}
	if (!pinged)
		say_order(LOG_PING, 0);
	pinged = true;
}

int64_t
logger_due(int64_t now)
{
	if (restart.due != 0 && restart.due <= now && start() == -1)
		restart.due = now + AGAIN_MS;
	return restart.due;
}

bool
logger_reap(pid_t which, int status)
{
	const char	*why = ending_by_kill(status) ? killed : NULL;
	char		 name[32];

	if (which != pid)
		return false;
	if (WIFSTOPPED(status)) {
		end_by_kill("stopped");
		return true;
	}
	(void)snprintf(name, sizeof(name), "log (pid %d)", (int)pid);
	failed = !ready;
	pid = -1;
	ends_close();
	say_by(-1);
	restart_later(&restart, name);
	(void)logger_due(shard_now());
	if (why != NULL)
		say("%s %s: replaced", name, why);
	else
		say("%s %s", name, ending(status));
	return true;
}

/* Once its control socket ends, it writes what its pipes still hold. */
void
logger_finish(void)
{
	const struct timespec	moment = { 0, 2 * 1000 * 1000 };
	const int64_t		end = shard_now() + LAST_LINES_MS;

	if (pid == -1)
		return;
	say_by(-1);
	(void)close(control);
	control = -1;
	while (shard_now() < end && waitpid(pid, NULL, WNOHANG) == 0)
		(void)nanosleep(&moment, NULL);	/* a signal cuts it short */
}

pid_t
logger_pid(void)
{
	return pid;
}

int
logger_control(void)
{
	return control;
}
