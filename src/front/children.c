/* SPDX-License-Identifier: ISC */
/*
 * Making, watching and replacing the children.  What goes to them and comes
 * from them is in channel.c.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "children.h"
#include "counts.h"
#include "log.h"
#include "../usherd/program.h"
#include "recycle.h"
#include "slots.h"

enum {
	SETTLED_MS = 10 * 1000,	/* a child that lived so long was not looping */
	PAUSE_MIN_MS = 100,
	PAUSE_MAX_MS = 2 * 1000, /* no longer: others wait for it, too */
	PAUSE_DOUBLINGS = 5,
	SPARES = 4		/* parsers of a protocol that start or drain
				 * while others do the work */
};

static struct child			*children;
static size_t				 nchildren;
static unsigned int			 jobs;
static const struct child_settings	*settings;
static struct event_base		*loop;
static bool				 finishing;
static bool				 settled; /* all were ready once */

const char *
child_name(const struct child *child)
{
	static char name[64];

	(void)snprintf(name, sizeof(name), "%s %s %u (pid %d)",
	    child->protocol == PROTOCOL_TLS ? "tls" : "http",
	    child->role == ROLE_PARSER ? "parser" : "relay", child->number,
	    (int)child->pid);	/* fits: bounded words and numbers */
	return name;
}

/* In the child: its descriptors, its signals, its program. */
static void __attribute__((noreturn))
become(const struct child *child, int control, int report)
{
	const struct privilege	*who = settings->privilege;
	const bool		 parser = child->role == ROLE_PARSER;
	char			 ids[32], limit[16], pipes[24];
	char			*argv[12];
	int			 program, n = 0;

	program = settings->programs[!parser ? PROGRAM_RELAY :
	    child->protocol == PROTOCOL_TLS ? PROGRAM_TLS : PROGRAM_HTTP];
	(void)snprintf(ids, sizeof(ids), "%u:%u", (unsigned int)who->uid,
	    (unsigned int)who->gid);
	(void)snprintf(limit, sizeof(limit), "%u",
	    parser ? settings->parser_clients + 16 :
	    settings->relay_pairs * 6 + 32);
	argv[n++] = (char *)(uintptr_t)(!parser ? "usherd-relay" :
	    child->protocol == PROTOCOL_TLS ? "usherd-tls" : "usherd-http");
	if (who->chroot)
		argv[n++] = (char *)(uintptr_t)"-c";
	if (who->root) {
		argv[n++] = (char *)(uintptr_t)"-i";
		argv[n++] = ids;
	}
	argv[n++] = (char *)(uintptr_t)"-n";
	argv[n++] = limit;
	if (!parser || child->protocol == PROTOCOL_TLS) {
		argv[n++] = (char *)(uintptr_t)"-e";
		argv[n++] = (char *)(uintptr_t)(parser ? settings->engine :
		    child->protocol == PROTOCOL_TLS ? "tls" : "http");
	}
	if (!parser) {
		(void)snprintf(pipes, sizeof(pipes), "%zu",
		    settings->relay_pipes);
		argv[n++] = (char *)(uintptr_t)"-p";
		argv[n++] = pipes;
	}
	argv[n] = NULL;
	/* ^C reaches the whole process group: the parent decides, not they. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGQUIT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGUSR1, SIG_IGN);
	(void)signal(SIGUSR2, SIG_IGN);
	privilege_raise(who);
	if (dup2(control, CHILD_CONTROL) != -1 &&
	    dup2(report, CHILD_REPORT) != -1 &&
	    dup2(who->empty, CHILD_EMPTY) != -1)
		program_execute(program, argv);
	err(1, "%s", argv[0]);
}

int
child_start(struct child *child)
{
	int control[2], report[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
	    control) == -1)
		return -1;
	if (pipe2(report, O_CLOEXEC) == -1) {
		(void)close(control[0]);
		(void)close(control[1]);
		return -1;
	}
	child->pid = fork();
	if (child->pid == 0)
		become(child, control[1], report[1]);
	(void)close(control[1]);	/* the child's ends */
	(void)close(report[1]);
	if (child->pid == -1) {
		(void)close(control[0]);
		(void)close(report[0]);
		return -1;
	}
	slot_put(child->control, control[0]);
	slot_put(child->report, report[0]);
	child->state = CHILD_STARTING;
	child->started = timeouts_now();
	child->load = child->taken = 0;
	channel_reset(child);
	if (event_add(child->reports, NULL) == -1)
		child_kill(child, "cannot be listened to");
	return 0;
}

static void
restart(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval	 later = { 1, 0 };
	struct child			*child = arg;

	(void)fd;
	(void)what;
	if (finishing)
		return;
	count_replaced();
	if (child_start(child) == 0)
		return;
	log_line("%s: cannot start: %s", child_name(child), strerror(errno));
	(void)evtimer_add(child->restart, &later);
}

/* The first replacement is at once; those of a crash loop come slower. */
static void
replace(struct child *child)
{
	struct timeval	pause = { 0, 0 };
	int64_t		ms = 0;

	if (timeouts_now() - child->started > SETTLED_MS)
		child->failures = 0;
	if (child->failures > 0) {
		ms = child->failures > PAUSE_DOUBLINGS ? PAUSE_MAX_MS :
		    PAUSE_MIN_MS << (child->failures - 1);
		if (ms > PAUSE_MAX_MS)
			ms = PAUSE_MAX_MS;
		log_line("%s ended %u times in a row: next start in %lld ms",
		    child_name(child), child->failures + 1, (long long)ms);
	}
	child->failures++;
	child->pid = -1;
	pause.tv_sec = ms / 1000;
	pause.tv_usec = ms % 1000 * 1000;
	if (ms == 0)
		restart(-1, 0, child);
	else
		(void)evtimer_add(child->restart, &pause);
}

/* How it ended, for people; the reason is never the child's own words. */
static void
log_end(const struct child *child, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		log_line("%s killed by the sandbox (SIGSYS)",
		    child_name(child));
	else if (WIFSIGNALED(status))
		log_line("%s killed by signal %d", child_name(child),
		    WTERMSIG(status));
	else
		log_line("%s exited %d", child_name(child),
		    WEXITSTATUS(status));
}

/* Nobody comes in its place, until it is another's successor. */
static void
empty(struct child *child)
{
	child->pid = -1;
	child->state = CHILD_SPARE;
	child->failures = 0;
}

static void
buried(struct child *child, int status)
{
	const enum child_state state = child->state;

	if (state != CHILD_ENDED && (!finishing || child->load > 0))
		log_end(child, status);
	if (!settled)
		errx(1, "%s could not start: see above", child_name(child));
	(void)event_del(child->reports);	/* before the close */
	slot_empty(child->control);
	slot_empty(child->report);
	child->state = CHILD_DOWN;
	channel_reset(child);
	if (child->role == ROLE_RELAY && child->load > 0)
		log_line("%s: %u connections lost", child_name(child),
		    child->load);
	settings->listener->lost(child);
	child->load = 0;
	settings->listener->ended();
	if (recycle_buried(child, state))
		empty(child);
	else if (!finishing)
		replace(child);
}

void
children_reap(void)
{
	size_t	i;
	pid_t	pid;
	int	status;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		for (i = 0; i < nchildren; i++) {
			if (children[i].pid == pid)
				break;
		}
		if (i == nchildren)
			continue;
		if (WIFSTOPPED(status))
			child_kill(&children[i], "stopped");
		else
			buried(&children[i], status);
	}
}

void
child_kill(struct child *child, const char *why)
{
	if (child->pid == -1)
		return;
	log_line("%s %s: replacing it", child_name(child), why);
	child_end(child);
}

void
child_end(const struct child *child)
{
	if (child->pid != -1)
		(void)kill(child->pid, SIGKILL); /* else it is dead already */
}

void
children_finish(void)
{
	finishing = true;
}

/* number 0: a spare place. */
static void
make_one(struct child *child, enum role role, enum protocol protocol,
    unsigned int number)
{
	memset(child, 0, sizeof(*child));
	child->state = number == 0 ? CHILD_SPARE : CHILD_DOWN;
	child->role = role;
	child->protocol = protocol;
	child->number = number;
	child->pid = -1;
	child->capacity = role == ROLE_PARSER ? settings->parser_clients :
	    settings->relay_pairs;
	child->control = slot_new();
	child->report = slot_new();
	child->reports = event_new(loop, child->report, EV_READ | EV_PERSIST,
	    channel_reports, child);
	child->restart = evtimer_new(loop, restart, child);
	if (child->reports == NULL || child->restart == NULL)
		errx(1, "out of memory");
	channel_reset(child);
}

void
children_make(struct event_base *base, const struct child_settings *how,
    const bool wanted[PROTOCOL_COUNT], unsigned int n)
{
	unsigned int	i;
	int		protocol;

	settings = how;
	loop = base;
	jobs = n;
	/* Events point into the table: it never moves. */
	children = calloc((size_t)PROTOCOL_COUNT * (2 * n + SPARES),
	    sizeof(*children));
	if (children == NULL)
		errx(1, "out of memory");
	channel_begin(base, how->listener);
	recycle_make(base, how->recycle);
	for (protocol = 0; protocol < PROTOCOL_COUNT; protocol++) {
		for (i = 1; wanted[protocol] && i <= n; i++) {
			make_one(&children[nchildren++], ROLE_PARSER,
			    (enum protocol)protocol, i);
			make_one(&children[nchildren++], ROLE_RELAY,
			    (enum protocol)protocol, i);
		}
		for (i = 0; wanted[protocol] && i < SPARES; i++)
			make_one(&children[nchildren++], ROLE_PARSER,
			    (enum protocol)protocol, 0);
	}
}

void
children_start(void)
{
	size_t i;

	for (i = 0; i < nchildren; i++) {
		if (children[i].state != CHILD_SPARE &&
		    child_start(&children[i]) == -1)
			err(1, "%s", child_name(&children[i]));
	}
}

bool
children_ready(void)
{
	size_t i;

	for (i = 0; i < nchildren; i++) {
		if (children[i].state != CHILD_READY &&
		    children[i].state != CHILD_SPARE)
			return false;
	}
	settled = true;
	return true;
}

struct child *
child_choose(enum role role, enum protocol protocol)
{
	const unsigned int	 each = role == ROLE_PARSER ?
				    settings->parser_clients :
				    settings->relay_pairs;
	unsigned int		 load = 0;
	struct child		*best = NULL, *child;

	for (child = children; child < children + nchildren; child++) {
		if (child->role != role || child->protocol != protocol)
			continue;
		load += child->load;
		if (child->state != CHILD_READY || child->clogged ||
		    child->load >= child->capacity)
			continue;
		if (best == NULL || child->load < best->load)
			best = child;
	}
	/* Those that drain take the places of as many others. */
	return load < each * jobs ? best : NULL;
}

struct child *
child_spare(enum protocol protocol)
{
	struct child *child;

	for (child = children; child < children + nchildren; child++) {
		if (child->state == CHILD_SPARE && child->protocol == protocol)
			return child;
	}
	return NULL;
}

unsigned int
children_relayed(void)
{
	unsigned int	sum = 0;
	size_t		i;

	for (i = 0; i < nchildren; i++) {
		if (children[i].role == ROLE_RELAY)
			sum += children[i].load;
	}
	return sum;
}
