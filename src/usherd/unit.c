/* SPDX-License-Identifier: ISC */
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../common/message_send.h"
#include "say.h"
#include "start.h"
#include "unit.h"

enum {
	SETTLED_MS = 10 * 1000,	/* what lived so long was not looping */
	PAUSE_MIN_MS = 100,
	PAUSE_MAX_MS = 2 * 1000, /* no longer: others wait for it, too */
	PAUSE_DOUBLINGS = 5,
	AGAIN_MS = 1000		/* the system had no room for a process */
};

static const struct {
	enum child_kind	first, last;
	enum protocol	protocol;
} units[UNITS] = {
	[UNIT_TLS] = { CHILD_TLS, CHILD_TLS, PROTOCOL_TLS },
	[UNIT_TLS_RELAY] = { CHILD_TLS_RELAY, CHILD_TLS_RELAY, PROTOCOL_TLS },
	[UNIT_HTTP] = { CHILD_HTTP, CHILD_HTTP_RELAY, PROTOCOL_HTTP }
};

static enum unit
unit_of(enum child_kind kind)
{
	unsigned int unit;

	for (unit = 0; unit < UNITS; unit++) {
		if (kind >= units[unit].first && kind <= units[unit].last)
			break;
	}
	return (enum unit)unit;
}

static unsigned int
place_of(enum child_kind kind, unsigned int generation)
{
	return (unsigned int)kind * GENERATIONS + generation;
}

static const char *
child_name(const struct shard *shard, unsigned int place)
{
	static char name[64];

	(void)snprintf(name, sizeof(name), "%s %u (pid %d)",
	    child_kind_name((enum child_kind)(place / GENERATIONS)),
	    shard->number, (int)shard->children[place].pid);
	return name;
}

const char *
ending(int status)
{
	static char text[48];

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return "killed by the sandbox (SIGSYS)";
	if (WIFSIGNALED(status))
		(void)snprintf(text, sizeof(text), "killed by signal %d",
		    WTERMSIG(status));
	else
		(void)snprintf(text, sizeof(text), "exited %d",
		    WEXITSTATUS(status));
	return text;
}

bool
ending_by_kill(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

int64_t
shard_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);	/* it is there */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
restart_later(struct restart *restart, const char *name)
{
	const int64_t	now = shard_now();
	int64_t		pause = 0;

	if (now - restart->started > SETTLED_MS)
		restart->failures = 0;
	if (restart->failures > 0) {
		pause = restart->failures > PAUSE_DOUBLINGS ? PAUSE_MAX_MS :
		    PAUSE_MIN_MS << (restart->failures - 1);
		if (pause > PAUSE_MAX_MS)
			pause = PAUSE_MAX_MS;
		say("%s ended %u times in a row: next start in %lld ms", name,
		    restart->failures + 1, (long long)pause);
	}
	restart->failures++;
	restart->due = now + pause;
}

bool
ending_by_refusal(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static void
kill_one(struct shard *shard, unsigned int place)
{
	struct shard_child *child = &shard->children[place];

	if (child->pid == -1)
		return;
	child->killed = true;
	(void)kill(child->pid, SIGKILL);	/* ours, and not yet reaped */
}

/* No process of this generation, or of the other of a pair. */
static bool
generation_free(const struct shard *shard, enum unit unit,
    unsigned int generation)
{
	unsigned int kind;

	for (kind = units[unit].first; kind <= units[unit].last; kind++) {
		if (shard->children[place_of((enum child_kind)kind,
		    generation)].pid != -1)
			return false;
	}
	return true;
}

/* They take no new connections any more. */
static void
generation_drain(struct shard *shard, enum unit unit, unsigned int generation)
{
	struct shard_child	*child;
	unsigned int		 kind;

	for (kind = units[unit].first; kind <= units[unit].last; kind++) {
		child = &shard->children[place_of((enum child_kind)kind,
		    generation)];
		if (child->draining)
			continue;
		child->draining = true;
		child->since = shard_now();
	}
}

static int64_t
drains_since(const struct shard *shard, enum unit unit,
    unsigned int generation)
{
	return shard->children[place_of(units[unit].last, generation)].since;
}

/* How many drain, and which is the oldest of them. */
static unsigned int
drains_count(const struct shard *shard, enum unit unit, unsigned int *oldest)
{
	unsigned int generation, n = 0;

	*oldest = GENERATIONS;
	for (generation = 0; generation < GENERATIONS; generation++) {
		if (generation_free(shard, unit, generation) ||
		    generation == shard->newest[unit])
			continue;
		n++;
		if (*oldest == GENERATIONS ||
		    drains_since(shard, unit, generation) <
		    drains_since(shard, unit, *oldest))
			*oldest = generation;
	}
	return n;
}

/* The oldest ends, when there are more than may be. */
static void
drains_limit(struct shard *shard, enum unit unit)
{
	unsigned int oldest, kind, place;

	if (drains_count(shard, unit, &oldest) <= DRAINING_MAX)
		return;
	for (kind = units[unit].first; kind <= units[unit].last; kind++) {
		place = place_of((enum child_kind)kind, oldest);
		if (shard->children[place].pid == -1)
			continue;
		say("%s has to end: %d of its kind drain beside it",
		    child_name(shard, place), DRAINING_MAX);
		kill_one(shard, place);
	}
}

/* Between the two of a pair; all -1 where there is none. */
struct between {
	int grant[2];		/* read, write */
	int progress[2];
};

static void
between_close(const struct between *between)
{
	if (between->grant[0] != -1) {
		(void)close(between->grant[0]);	/* they have them, or nobody */
		(void)close(between->grant[1]);
	}
	if (between->progress[0] != -1) {
		(void)close(between->progress[0]);
		(void)close(between->progress[1]);
	}
}

/* Gives -1 with errno. */
static int
between_open(struct between *between, enum unit unit)
{
	between->grant[0] = between->grant[1] = -1;
	between->progress[0] = between->progress[1] = -1;
	if (unit != UNIT_HTTP)
		return 0;
	if (start_pipe(&between->grant[0], &between->grant[1]) == 0 &&
	    start_pipe(&between->progress[0], &between->progress[1]) == 0)
		return 0;
	return -1;
}

/* Gives -1 with errno when the child, or word of it, is not to be had. */
static int
child_start(struct shard *shard, unsigned int place,
    const struct between *between, const struct settings *settings)
{
	const enum child_kind	 kind = (enum child_kind)(place / GENERATIONS);
	struct shard_child	*child = &shard->children[place];
	struct child_ends	 ends;
	struct front_order	 order;
	int			 ours[2], result, error;

	if (start_control(&ours[0], &ends.control) == -1)
		return -1;
	if (start_pipe(&ours[1], &ends.report) == -1) {
		(void)close(ours[0]);
		(void)close(ends.control);
		return -1;
	}
	ends.grant = between->grant[kind == CHILD_HTTP ? 1 : 0];
	ends.progress = between->progress[kind == CHILD_HTTP ? 0 : 1];
	child->pid = start_child(settings, kind, &ends);
	child->since = shard_now();
	child->draining = child->killed = false;
	memset(&order, 0, sizeof(order));
	order.kind = FRONT_CHILD;
	order.place = place;
	order.pid = (uint32_t)child->pid;
	result = child->pid == -1 ? -1 : message_send(shard->control, &order,
	    sizeof(order), ours, 2);
	error = errno;
	(void)close(ends.control);	/* the child has it, or nobody */
	(void)close(ends.report);
	(void)close(ours[0]);	/* the front has it, or nobody */
	(void)close(ours[1]);
	if (result == -1 && child->pid != -1)
		kill_one(shard, place);
	errno = error;
	return result;
}

/* The next one in turn, so that a number does not soon mean another. */
static unsigned int
generation_next(const struct shard *shard, enum unit unit)
{
	unsigned int i, generation;

	for (i = 1; i <= GENERATIONS; i++) {
		generation = (shard->newest[unit] + i) % GENERATIONS;
		if (generation_free(shard, unit, generation))
			return generation;
	}
	return GENERATIONS;
}

/* errno says why one of this kind could not be started. */
static void
unit_failed(struct shard *shard, enum unit unit, enum child_kind kind)
{
	/* Or its front has ended, which is told soon. */
	if (errno != EPIPE && errno != ECONNRESET)
		say("%s %u: cannot start: %s", child_kind_name(kind),
		    shard->number, strerror(errno));
	shard->units[unit].due = shard_now() + AGAIN_MS;
	shard->failed |= shard->state == FRONT_STARTING;
	generation_drain(shard, unit, shard->newest[unit]);
}

void
unit_start(struct shard *shard, enum unit unit,
    const struct settings *settings)
{
	const unsigned int	generation = generation_next(shard, unit);
	struct restart		*restart = &shard->units[unit];
	struct between		 between;
	unsigned int		 kind = units[unit].first;
	int			 result;

	restart->due = 0;
	if (generation == GENERATIONS) {
		restart->due = shard_now() + AGAIN_MS;
		return;		/* the dead are not buried yet */
	}
	generation_drain(shard, unit, shard->newest[unit]);
	shard->newest[unit] = generation;
	drains_limit(shard, unit);
	restart->started = shard_now();
	result = between_open(&between, unit);
	while (result == 0 && kind <= units[unit].last) {
		result = child_start(shard, place_of((enum child_kind)kind,
		    generation), &between, settings);
		kind += result == 0;
	}
	if (result == -1)
		unit_failed(shard, unit, (enum child_kind)kind);
	between_close(&between);
}

void
units_start(struct shard *shard, const struct settings *settings)
{
	unsigned int unit;

	for (unit = 0; unit < UNITS; unit++) {
		if (settings->wanted[units[unit].protocol])
			unit_start(shard, (enum unit)unit, settings);
	}
}

int64_t
units_due(struct shard *shard, const struct settings *settings, int64_t now)
{
	int64_t		next = 0;
	unsigned int	unit;

	for (unit = 0; unit < UNITS; unit++) {
		if (shard->units[unit].due != 0 &&
		    shard->units[unit].due <= now)
			unit_start(shard, (enum unit)unit, settings);
		if (shard->units[unit].due != 0 &&
		    (next == 0 || shard->units[unit].due < next))
			next = shard->units[unit].due;
	}
	return next;
}

void
units_orphaned(struct shard *shard)
{
	unsigned int unit, i;

	for (unit = 0; unit < UNITS; unit++) {
		shard->units[unit].due = 0;
		/* Who has ended because its front did, and was reaped before
		 * it, has not failed. */
		shard->units[unit].failures = 0;
		generation_drain(shard, (enum unit)unit, shard->newest[unit]);
	}
	/* These have nothing to finish, and one that was taken over would keep
	 * its copies.  Those of pairs go on until each exchange is over. */
	for (i = 0; i < GENERATIONS; i++)
		kill_one(shard, place_of(CHILD_TLS, i));
}

void
unit_replace(struct shard *shard, enum child_kind kind,
    const struct settings *settings)
{
	const enum unit	 unit = unit_of(kind);
	struct restart	*restart = &shard->units[unit];
	unsigned int	 oldest;

	/* A front that asks without end gets no more than this. */
	if (settings->wanted[units[unit].protocol] && restart->due == 0 &&
	    drains_count(shard, unit, &oldest) < DRAINING_MAX)
		restart->due = restart->started + PAUSE_MIN_MS;
}

void
unit_kill(struct shard *shard, unsigned int place)
{
	kill_one(shard, place);
}

void
unit_lost(struct shard *shard, unsigned int place)
{
	if (shard->children[place].pid != -1)
		(void)kill(shard->children[place].pid, SIGKILL);
}

/* What it said itself, and what its front or we asked for, is not said again. */
static bool
ending_is_news(const struct shard *shard, const struct shard_child *child,
    int status)
{
	const bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	/* One ends well because its front has ended, which may be reaped
	 * after it and says why. */
	if (!shard->settled && (well || ending_by_refusal(status)))
		return false;
	if (child->draining && well)
		return false;
	return !(child->killed && ending_by_kill(status));
}

/* The other of a pair goes on alone, with what it has, and both are
 * replaced. */
static void
child_ended(struct shard *shard, unsigned int place, int status)
{
	struct shard_child	*child = &shard->children[place];
	const enum child_kind	 kind = (enum child_kind)(place / GENERATIONS);
	const enum unit		 unit = unit_of(kind);
	const bool		 newest = place % GENERATIONS ==
				    shard->newest[unit] && !child->draining;
	char			 name[64];

	(void)snprintf(name, sizeof(name), "%s", child_name(shard, place));
	if (ending_is_news(shard, child, status))
		say("%s %s", name, ending(status));
	shard->refused |= !shard->settled && ending_by_refusal(status);
	child->pid = -1;
	if (!newest)
		return;
	if (shard->state == FRONT_STARTING)
		shard->failed = true;
	generation_drain(shard, unit, shard->newest[unit]);
	restart_later(&shard->units[unit], name);
}

bool
unit_reap(struct shard *shard, pid_t pid, int status)
{
	unsigned int place;

	for (place = 0; place < PLACES; place++) {
		if (shard->children[place].pid != pid)
			continue;
		if (WIFSTOPPED(status)) {
			say("%s stopped: replacing it",
			    child_name(shard, place));
			kill_one(shard, place);
		} else {
			child_ended(shard, place, status);
		}
		return true;
	}
	return false;
}
