/* SPDX-License-Identifier: ISC */
#include <sys/socket.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../common/shares.h"
#include "descriptors.h"
#include "spawn.h"
#include "start.h"

enum {
	LOG_DESCRIPTORS = 256	/* two for each shard, and its own */
};

const char *
child_kind_name(enum child_kind kind)
{
	static const char *const names[CHILD_KINDS] = {
		[CHILD_TLS] = "tls parser",
		[CHILD_TLS_RELAY] = "tls relay",
		[CHILD_HTTP] = "http parser",
		[CHILD_HTTP_RELAY] = "http relay"
	};

	return names[kind];
}

int
start_control(int *ours, int *theirs)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0, fds) == -1 || descriptors_high(fds) == -1)
		return -1;
	*ours = fds[0];
	*theirs = fds[1];
	return 0;
}

int
start_pipe(int *reader, int *writer)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) == -1 ||
	    descriptors_high(fds) == -1)
		return -1;
	*reader = fds[0];
	*writer = fds[1];
	return 0;
}

/* Texts of numbers must live until exec: they are the caller's. */
struct texts {
	char	ids[32];
	char	limit[16];
	char	pipes[24];
	char	jobs[16];
	char	number[16];
	char	recycle[16];
};

static void
ids_add(struct spawn *spawn, const struct settings *settings,
    struct texts *texts)
{
	if (!settings->user.root)
		return;
	(void)snprintf(texts->ids, sizeof(texts->ids), "%u:%u",
	    (unsigned int)settings->user.uid,
	    (unsigned int)settings->user.gid);
	spawn_argument(spawn, "-i");
	spawn_argument(spawn, texts->ids);
}

static void
limit_add(struct spawn *spawn, unsigned int descriptors, struct texts *texts)
{
	(void)snprintf(texts->limit, sizeof(texts->limit), "%u", descriptors);
	spawn_argument(spawn, "-n");
	spawn_argument(spawn, texts->limit);
}

static enum program
program_of(enum child_kind kind)
{
	switch (kind) {
	case CHILD_TLS:
		return PROGRAM_TLS;
	case CHILD_HTTP:
		return PROGRAM_HTTP;
	case CHILD_TLS_RELAY:
	case CHILD_HTTP_RELAY:
	case CHILD_KINDS:
		break;
	}
	return PROGRAM_RELAY;
}

static unsigned int
descriptors_of(const struct settings *settings, enum child_kind kind)
{
	switch (kind) {
	case CHILD_TLS:
		return settings->parser_clients * TLS_DESCRIPTORS;
	case CHILD_HTTP:
		return settings->parser_clients * HTTP_DESCRIPTORS;
	case CHILD_TLS_RELAY:
	case CHILD_HTTP_RELAY:
	case CHILD_KINDS:
		break;
	}
	return settings->relay_pairs * RELAY_DESCRIPTORS;
}

pid_t
start_child(const struct settings *settings, enum child_kind kind,
    const struct child_ends *ends)
{
	static const char *const	names[PROGRAMS] = {
		[PROGRAM_TLS] = "usherd-tls",
		[PROGRAM_HTTP] = "usherd-http",
		[PROGRAM_RELAY] = "usherd-relay"
	};
	const int			fds[] = {
		ends->control, ends->report, settings->empty, ends->grant,
		ends->progress
	};
	const bool			pair = ends->grant != -1;
	const enum program		program = program_of(kind);
	const bool			relay = program == PROGRAM_RELAY;
	struct spawn			spawn_it;
	struct texts			texts;

	memset(&spawn_it, 0, sizeof(spawn_it));
	spawn_it.program = settings->programs[program];
	spawn_it.fds = fds;
	spawn_it.nfds = pair ? 5 : 3;
	spawn_argument(&spawn_it, names[program]);
	if (settings->chroot)
		spawn_argument(&spawn_it, "-c");
	if (pair)
		spawn_argument(&spawn_it, "-g");
	ids_add(&spawn_it, settings, &texts);
	limit_add(&spawn_it, descriptors_of(settings, kind) + CHILD_SPARE,
	    &texts);
	if (kind != CHILD_HTTP) {
		spawn_argument(&spawn_it, "-e");
		spawn_argument(&spawn_it, kind == CHILD_TLS ?
		    settings->options.engine :
		    kind == CHILD_TLS_RELAY ? "tls" : "http");
	}
	if (relay) {
		(void)snprintf(texts.pipes, sizeof(texts.pipes), "%zu",
		    settings->relay_pipes);
		spawn_argument(&spawn_it, "-p");
		spawn_argument(&spawn_it, texts.pipes);
	}
	return spawn(&spawn_it);
}

static void
listener_argument(char text[16], const struct listener *listener)
{
	(void)snprintf(text, 16, "%c:%u:%d",
	    listener->protocol == PROTOCOL_TLS ? 't' : 'h', listener->changed,
	    listener->given);
}

/* One argument for all of them: "t:0:0,h:7:1". */
static void
listeners_join(char *text, size_t size, const struct settings *settings)
{
	char	one[16];
	size_t	i, n = 0;

	text[0] = '\0';
	for (i = 0; i < settings->nlisteners && n < size; i++) {
		listener_argument(one, &settings->listeners[i]);
		n += (size_t)snprintf(text + n, size - n, "%s%s",
		    i == 0 ? "" : ",", one);
	}
}

pid_t
start_front(const struct settings *settings, unsigned int shard, int control,
    int request, int log, int page)
{
	const struct options	*options = &settings->options;
	char			 listeners[LISTENERS_MAX * 2 * 12];
	int			 fds[5 + LISTENERS_MAX * 2];
	struct spawn		 spawn_it;
	struct texts		 texts;
	size_t			 i;

	fds[FRONT_CONTROL - 3] = control;
	fds[FRONT_REQUEST - 3] = request;
	fds[FRONT_LOG - 3] = log;
	fds[FRONT_COUNTERS - 3] = page;
	fds[FRONT_HOSTS - 3] = settings->hosts;
	for (i = 0; i < settings->nlisteners; i++)
		fds[FRONT_LISTENERS - 3 + i] = settings->listeners[i].fd;
	memset(&spawn_it, 0, sizeof(spawn_it));
	spawn_it.program = settings->programs[PROGRAM_FRONT];
	spawn_it.fds = fds;
	spawn_it.nfds = FRONT_LISTENERS - 3 + settings->nlisteners;
	spawn_it.groups = &settings->user;
	spawn_argument(&spawn_it, "usherd-front");
	ids_add(&spawn_it, settings, &texts);
	limit_add(&spawn_it, settings->descriptors, &texts);
	(void)snprintf(texts.jobs, sizeof(texts.jobs), "%u", options->jobs);
	spawn_argument(&spawn_it, "-j");
	spawn_argument(&spawn_it, texts.jobs);
	(void)snprintf(texts.number, sizeof(texts.number), "%u", shard);
	spawn_argument(&spawn_it, "-s");
	spawn_argument(&spawn_it, texts.number);
	(void)snprintf(texts.recycle, sizeof(texts.recycle), "%u",
	    options->recycle);
	spawn_argument(&spawn_it, "-r");
	spawn_argument(&spawn_it, texts.recycle);
	spawn_argument(&spawn_it, "-d");
	spawn_argument(&spawn_it, options->hosts);
	listeners_join(listeners, sizeof(listeners), settings);
	spawn_argument(&spawn_it, "-l");
	spawn_argument(&spawn_it, listeners);
	if (options->verbose)
		spawn_argument(&spawn_it, "-v");
	return spawn(&spawn_it);
}

pid_t
start_log(const struct settings *settings, int control, int request)
{
	const int	fds[] = { control, request, settings->empty };
	struct spawn	spawn_it;
	struct texts	texts;

	memset(&spawn_it, 0, sizeof(spawn_it));
	spawn_it.program = settings->programs[PROGRAM_LOG];
	spawn_it.fds = fds;
	spawn_it.nfds = sizeof(fds) / sizeof(fds[0]);
	spawn_argument(&spawn_it, "usherd-log");
	if (settings->chroot)
		spawn_argument(&spawn_it, "-c");
	ids_add(&spawn_it, settings, &texts);
	limit_add(&spawn_it, LOG_DESCRIPTORS, &texts);
	if (settings->options.verbose) {
		spawn_argument(&spawn_it, "-e");
		spawn_argument(&spawn_it, "steps");
	}
	return spawn(&spawn_it);
}
