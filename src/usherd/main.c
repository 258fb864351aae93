/* SPDX-License-Identifier: ISC */
/*
 * usherd, the launcher: it holds the listening sockets and starts, watches and
 * ends all others, with the rights that it was started with.  It takes in
 * nothing that a client or a tenant chose: signals, how its children ended,
 * and bytes that each name one request.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../sandbox/sandbox.h"
#include "../common/shares.h"
#include "descriptors.h"
#include "empty.h"
#include "inherited.h"
#include "logger.h"
#include "pipes.h"
#include "program.h"
#include "say.h"
#include "settings.h"
#include "shard.h"
#include "unit.h"
#include "upgrade.h"

enum {
	FRONT_RESERVED = 512,		/* numbers of a front's own */
	PING_MS = 3000
};

enum phase {
	PHASE_STARTING,
	PHASE_SERVING,
	PHASE_FINISHING,	/* SIGQUIT: without a limit */
	PHASE_DRAINING		/* SIGTERM, SIGINT: for -g seconds at most */
};

static struct settings	 settings;
static struct shard	 shards[JOBS_MAX];
static unsigned int	 nshards, nstarted;
static enum phase	 phase;
static int64_t		 grace_end;	/* ms; 0: none */
static int64_t		 next_ping;
static volatile sig_atomic_t seen[NSIG];

static void __attribute__((noreturn))
leave(int status)
{
	unsigned int i;

	shards_finish();
	for (i = 0; i < nshards; i++)
		shard_kill(&shards[i]);
	upgrade_kill();
	logger_finish();
	exit(status);
}

static bool
all_over(void)
{
	unsigned int i;

	for (i = 0; i < nshards; i++) {
		if (!shard_empty(&shards[i]))
			return false;
	}
	return upgrade_over();
}

/* Ours are copies of the fronts', but nobody is refused while one is open. */
static void
listeners_close(void)
{
	size_t i;

	for (i = 0; i < settings.nlisteners; i++)
		(void)close(settings.listeners[i].fd);
	settings.nlisteners = 0;
}

static void
drain(bool limited)
{
	unsigned int i;

	phase = limited ? PHASE_DRAINING : PHASE_FINISHING;
	shards_finish();
	if (limited)
		grace_end = shard_now() + settings.options.grace * 1000LL;
	say_order(LOG_STOPPING, 0);
	/* With a successor on the same sockets, the backlog is its. */
	for (i = 0; i < nshards; i++)
		shard_drain(&shards[i], limited);
	listeners_close();
	upgrade_retire();
}

static void
on_stop(void)
{
	/* A second signal, or one before anything has begun: at once. */
	if (phase == PHASE_DRAINING || (phase == PHASE_STARTING &&
	    upgrade_over()))
		leave(0);
	if (phase != PHASE_FINISHING) {
		drain(true);
		return;
	}
	phase = PHASE_DRAINING;
	grace_end = shard_now() + settings.options.grace * 1000LL;
}

static void
on_quit(void)
{
	if (phase == PHASE_STARTING && upgrade_over())
		leave(0);	/* nobody is there to be waited for */
	if (phase == PHASE_STARTING || phase == PHASE_SERVING)
		drain(false);
}

static void
reap(void)
{
	unsigned int	i;
	pid_t		pid;
	int		status;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (logger_reap(pid, status) || upgrade_reap(pid, status))
			continue;
		for (i = 0; i < nshards; i++) {
			if (shard_reap(&shards[i], pid, status))
				break;
		}
	}
}

/* The number has been seen: not any more. */
static bool
take(int number)
{
	const bool was = seen[number] != 0;

	seen[number] = 0;
	return was;
}

static void
signals_act(void)
{
	if (take(SIGCHLD))
		reap();
	/* Sent by habit, by log rotation and by scripts: it must not harm. */
	if (take(SIGHUP))
		say("SIGHUP: nothing to be done: what is in the hosts "
		    "directory counts as soon as it is there");
	if (take(SIGUSR1))
		say_order(LOG_COUNTS, 0);
	if (take(SIGUSR2) && phase == PHASE_SERVING)
		upgrade_begin(&settings);
	if (take(SIGQUIT))
		on_quit();
	/* Each of them may be the second. */
	if (take(SIGTERM))
		on_stop();
	if (take(SIGINT))
		on_stop();
}

static void
on_signal(int number)
{
	seen[number] = 1;
}

/* They are taken only where the loop waits. */
static void
signals_make(void)
{
	static const int	ours[] = {
		SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2
	};
	struct sigaction	action;
	sigset_t		blocked;
	size_t			i;

	memset(&action, 0, sizeof(action));
	action.sa_handler = on_signal;
	(void)sigemptyset(&blocked);		/* these two cannot fail */
	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		(void)sigaddset(&blocked, ours[i]);
	if (sigprocmask(SIG_BLOCK, &blocked, NULL) == -1)
		err(1, "signals");
	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		if (sigaction(ours[i], &action, NULL) == -1)
			err(1, "signals");
	}
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		err(1, "signals");
}

static void
serve(void)
{
	const struct listener	*listener;
	size_t			 i;

	phase = PHASE_SERVING;
	for (i = 0; i < nshards; i++)
		shards[i].settled = true;
	say("version %s, %u shards, sandbox: %s", options_version, nshards,
	    sandbox_name());
	say("hosts directory %s: the one that it is now stays in use, "
	    "whatever takes its place", settings.options.hosts);
	for (i = 0; i < settings.nlisteners; i++) {
		listener = &settings.listeners[i];
		say("listening on %s for %s", listener->name,
		    listener->protocol == PROTOCOL_TLS ? "tls" : "http");
	}
}

/* What keeps the first from starting, and what it has said, is true of all. */
static bool
first_refused(void)
{
	return shards[0].refused && !upgrade_is_successor();
}

/*
 * At the start it is waited for the first shard, and then for all others;
 * those that cannot start do not stop the rest, unless none can.
 */
static void
settle(void)
{
	unsigned int i, ready = 0, failed = 0;

	if (first_refused())
		leave(1);
	if (shards[0].state == FRONT_STARTING && !shards[0].failed)
		return;
	while (nstarted < nshards)
		shard_start(&shards[nstarted++], &settings);
	for (i = 0; i < nshards; i++) {
		ready += shards[i].state == FRONT_READY;
		failed += shards[i].failed;
	}
	if (ready + failed < nshards || !(logger_ready() || logger_failed()))
		return;
	if (logger_failed() && !upgrade_is_successor()) {
		warnx("the log process could not start: see above");
		leave(1);
	}
	if (ready == 0 && !upgrade_is_successor()) {
		say("no shard could start: see above");
		leave(1);
	}
	if (upgrade_is_trial()) {
		if (failed > 0)
			leave(1);
		upgrade_ready();
	}
	if (settings.options.dry) {
		if (failed > 0)
			leave(1);
		say("ready to serve %s: all was tried but to accept",
		    settings.options.hosts);
		leave(0);
	}
	serve();
}

/* Whoever is ready serves; then what was before an upgrade has done. */
static void
shards_serve(void)
{
	unsigned int i, serving = 0;

	for (i = 0; i < nshards; i++) {
		if (shards[i].state == FRONT_READY)
			shard_serve(&shards[i]);
		serving += shards[i].state == FRONT_SERVING;
	}
	if (serving > 0)
		upgrade_retire();
}

/* The earlier of two times, of which 0 is none. */
static int64_t
earlier(int64_t a, int64_t b)
{
	if (a == 0 || b == 0)
		return a == 0 ? b : a;
	return a < b ? a : b;
}

static void
ping_all(int64_t now)
{
	unsigned int i;

	if (now < next_ping)
		return;
	next_ping = now + PING_MS;
	logger_ping();
	for (i = 0; i < nshards; i++)
		shard_ping(&shards[i]);
}

/* Does what is due.  Gives for how long nothing will be. */
static int
timers_act(void)
{
	const int64_t	now = shard_now();
	int64_t		next;
	unsigned int	i;

	if (grace_end != 0 && now >= grace_end) {
		if (!all_over())
			say_order(LOG_CUT, settings.options.grace);
		leave(0);
	}
	ping_all(now);
	next = earlier(next_ping, grace_end);
	next = earlier(next, logger_due(now));
	next = earlier(next, upgrade_due(now));
	for (i = 0; i < nshards && phase != PHASE_STARTING; i++)
		next = earlier(next, shard_due(&shards[i], &settings, now));
	return next > now ? (int)(next - now) : 0;
}

static void
turn(void)
{
	struct pollfd	pollfds[JOBS_MAX + 2];
	const int	wait_ms = timers_act();
	struct timespec	limit = { wait_ms / 1000, wait_ms % 1000 * 1000000 };
	sigset_t	none;
	unsigned int	i;
	int		n;

	for (i = 0; i < nshards; i++)
		pollfds[i] = (struct pollfd){ shards[i].request, POLLIN, 0 };
	pollfds[nshards] = (struct pollfd){ logger_request(), POLLIN, 0 };
	pollfds[nshards + 1] = (struct pollfd){ upgrade_pipe(), POLLIN, 0 };
	(void)sigemptyset(&none);
	n = ppoll(pollfds, nshards + 2, &limit, &none);
	if (n == -1 && errno != EINTR)
		err(1, "poll");
	/* A front may ask for the end of one that has died: how is known
	 * only now. */
	if (n > 0)
		reap();
	for (i = 0; i < nshards && n > 0; i++) {
		if (pollfds[i].revents != 0)
			shard_hear(&shards[i], &settings);
	}
	if (n > 0 && pollfds[nshards].revents != 0)
		logger_hear();
	if (n > 0 && pollfds[nshards + 1].revents != 0)
		upgrade_hear();
	signals_act();
}

static void __attribute__((noreturn))
run(void)
{
	shard_start(&shards[nstarted++], &settings);
	next_ping = shard_now() + PING_MS;
	for (;;) {
		if (phase == PHASE_STARTING)
			settle();
		if (phase == PHASE_SERVING)
			shards_serve();
		if (phase >= PHASE_FINISHING && all_over())
			leave(0);
		turn();
		if (upgrade_is_due() && phase == PHASE_SERVING)
			upgrade_execute(&settings, shards, nshards);
	}
}

static unsigned int
at_most(unsigned int value, unsigned int limit)
{
	return value < limit ? value : limit;
}

/* What each may hold, by what the system lets us have. */
static void
shares_find(void)
{
	const unsigned int protocols =
	    (unsigned int)settings.wanted[PROTOCOL_TLS] +
	    (unsigned int)settings.wanted[PROTOCOL_HTTP];

	settings.descriptors = descriptors_raise();
	settings.parser_clients = at_most(PARSER_CLIENTS_MAX,
	    (settings.descriptors - FRONT_RESERVED) / 4);
	settings.relay_pairs = at_most(RELAY_PAIRS_MAX,
	    (settings.descriptors - CHILD_SPARE) / RELAY_DESCRIPTORS);
	settings.relay_pipes = pipes_share(nshards * protocols);
}

static void
programs_open(void)
{
	static const char *const	names[PROGRAMS] = {
		[PROGRAM_FRONT] = "usherd-front",
		[PROGRAM_TLS] = "usherd-tls",
		[PROGRAM_HTTP] = "usherd-http",
		[PROGRAM_RELAY] = "usherd-relay",
		[PROGRAM_LOG] = "usherd-log"
	};
	unsigned int			i;

	for (i = 0; i < PROGRAMS; i++)
		settings.programs[i] = program_open(names[i]);
}

static void
root_find(void)
{
	settings.empty = descriptor_high(empty_directory());
	settings.chroot = settings.user.root ||
	    sandbox_chroot_allowed(settings.empty) == 0;
}

/* The path is looked at with the rights that we were started with; whether
 * it may serve, the fronts find out with theirs.  What is so for whoever asks
 * is said once. */
static int
hosts_open(const char *path)
{
	struct stat	st;
	int		fd;

	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1)
		err(1, "hosts directory %s", path);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
	    (st.st_mode & S_ISVTX) == 0)
		errx(1, "hosts directory %s: its group or others may rename "
		    "anybody's host in it: chmod go-w, or chmod +t", path);
	return descriptor_high(fd);
}

int
main(int argc, char *argv[])
{
	unsigned int i;

	descriptors_stdio();
	signals_make();
	options_read(&settings.options, argc, argv);
	if (inherited_cloexec(STDERR_FILENO + 1) == -1)
		err(1, "inherited descriptors");
	upgrade_remember(argv);
	sandbox_try();
	user_find(&settings.user, settings.options.user);
	if (!upgrade_listeners(&settings))
		settings.nlisteners = listen_open(&settings.options,
		    settings.listeners, LISTENERS_MAX * 2);
	for (i = 0; i < settings.nlisteners; i++)
		settings.wanted[settings.listeners[i].protocol] = true;
	descriptors_null();
	settings.hosts = hosts_open(settings.options.hosts);
	programs_open();
	root_find();
	nshards = settings.options.jobs;
	shares_find();
	for (i = 0; i < nshards; i++)
		shard_make(&shards[i], i + 1);
	sandbox_harden_launcher();
	logger_start(&settings, shards, nshards);
	if (!settings.chroot)
		say("no empty root directory for children: not root, and "
		    "no user namespaces allowed here");
	upgrade_adopt();
	run();
}
