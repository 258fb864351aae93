/* SPDX-License-Identifier: ISC */
/*
 * usherd, the parent: from the command line to the loop, and out of it.
 */
#include <sys/resource.h>

#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../sandbox/sandbox.h"
#include "../child/loop.h"
#include "../front/budget.h"
#include "../front/counts.h"
#include "../front/hosts.h"
#include "../front/listener.h"
#include "../front/log.h"
#include "options.h"
#include "pipes.h"
#include "program.h"
#include "../front/query.h"
#include "../front/slots.h"
#include "../front/inflight.h"
#include "../front/connection.h"

enum {
	PARSER_CLIENTS_MAX = 4096,	/* that have not said a name yet */
	RELAY_PAIRS_MAX = 65536,
	RELAY_DESCRIPTORS = 6,		/* two sockets, two pipes */
	UNPICKED_MAX = 4096,
	DESCRIPTORS_MIN = 1024,
	DESCRIPTORS_MAX = 1024 * 1024
};

enum phase {
	PHASE_STARTING,
	PHASE_SERVING,
	PHASE_FINISHING,	/* SIGQUIT: without a limit */
	PHASE_DRAINING		/* SIGTERM, SIGINT: for -g seconds at most */
};

static struct event_base	*loop;
static struct event		*grace_timer;
static struct options		 options;
static enum phase		 phase;

static void
leave_when_empty(void)
{
	if (phase >= PHASE_FINISHING && connections_present() == 0 &&
	    children_relayed() == 0)
		(void)event_base_loopexit(loop, NULL);
}

static void
grace_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	log_line("%u connections cut after %u s",
	    connections_unrelayed() + children_relayed(), options.grace);
	(void)event_base_loopexit(loop, NULL);
}

static void
drain(bool limited)
{
	const struct timeval grace = { options.grace, 0 };

	phase = limited ? PHASE_DRAINING : PHASE_FINISHING;
	/* With a successor on the same sockets, the backlog is its. */
	listeners_stop(limited);
	if (limited)
		(void)evtimer_add(grace_timer, &grace);
	log_line("no longer accepting, %u connections left",
	    connections_unrelayed() + children_relayed());
	leave_when_empty();
}

static void
on_stop(evutil_socket_t number, short what, void *arg)
{
	(void)number;
	(void)what;
	(void)arg;
	/* A second signal, or one before anything has begun: at once. */
	if (phase != PHASE_SERVING && phase != PHASE_FINISHING)
		exit(0);
	drain(true);
}

static void
on_quit(evutil_socket_t number, short what, void *arg)
{
	(void)number;
	(void)what;
	(void)arg;
	if (phase == PHASE_STARTING)
		exit(0);	/* nobody is there to be waited for */
	if (phase == PHASE_SERVING)
		drain(false);
}

/* Sent by habit, by log rotation and by scripts: they must never harm. */
static void
on_harmless(evutil_socket_t number, short what, void *arg)
{
	(void)what;
	(void)arg;
	log_line("%s: nothing to be done: what is in the hosts directory "
	    "counts as soon as it is there", number == SIGHUP ? "SIGHUP" :
	    "SIGUSR2");
}

static void
on_counts(evutil_socket_t number, short what, void *arg)
{
	(void)number;
	(void)what;
	(void)arg;
	counts_log();
}

static void
on_child(evutil_socket_t number, short what, void *arg)
{
	(void)number;
	(void)what;
	(void)arg;
	children_reap();
}

/* Before they are watched, they must not end what is only about to start. */
static void
signals_early(void)
{
	static const int	harmless[] = { SIGHUP, SIGUSR1, SIGUSR2 };
	size_t			i;

	for (i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
		if (signal(harmless[i], SIG_IGN) == SIG_ERR)
			err(1, "signals");
	}
}

static void
signal_watch(int number, event_callback_fn handler)
{
	struct event *event;

	event = evsignal_new(loop, number, handler, NULL);
	if (event == NULL || event_add(event, NULL) == -1)
		errx(1, "signals");
}

/* The limit that was set is the administrator's; we use all of it. */
static unsigned int
descriptors_raise(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		err(1, "RLIMIT_NOFILE");
	if (rl.rlim_max > DESCRIPTORS_MAX)
		rl.rlim_max = DESCRIPTORS_MAX;
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
		err(1, "RLIMIT_NOFILE");
	if (rl.rlim_cur < DESCRIPTORS_MIN)
		errx(1, "only %llu open files allowed, %d needed: ulimit -n",
		    (unsigned long long)rl.rlim_cur, DESCRIPTORS_MIN);
	return (unsigned int)rl.rlim_cur;
}

static unsigned int
at_most(unsigned int value, unsigned int limit)
{
	return value < limit ? value : limit;
}

static void
loop_says(const char *text)
{
	log_line("event loop: %s", text);
}

/* There are fewer timers than descriptors of our own. */
static void
loop_make(void)
{
	loop = loop_new(loop_says, SLOTS_BASE);
	if (loop == NULL)
		errx(1, "event base");
	signal_watch(SIGTERM, on_stop);
	signal_watch(SIGINT, on_stop);
	signal_watch(SIGQUIT, on_quit);
	signal_watch(SIGHUP, on_harmless);
	signal_watch(SIGUSR2, on_harmless);
	signal_watch(SIGUSR1, on_counts);
	signal_watch(SIGCHLD, on_child);
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		err(1, "signals");
	grace_timer = evtimer_new(loop, grace_over, NULL);
	if (grace_timer == NULL)
		errx(1, "out of memory");
}

static void
keys_confine(const struct child_settings *settings)
{
	struct sandbox_keys keys;

	memset(&keys, 0, sizeof(keys));
	keys.programs = settings->programs;
	keys.nprograms = PROGRAMS;
	keys.namespaces = !settings->privilege->root &&
	    settings->privilege->chroot;
	keys.base = SLOTS_BASE;
	keys.fixed = SLOTS_FIXED;
	sandbox_harden_parent();
	queries_start();
	sandbox_enter_parent(&keys);
}

static void
run(void)
{
	children_start();
	while (!children_ready()) {
		if (event_base_loop(loop, EVLOOP_ONCE) != 0)
			errx(1, "event loop");
	}
	if (options.dry) {
		log_line("ready to serve %s: all was tried but to accept",
		    options.hosts);
		exit(0);
	}
	phase = PHASE_SERVING;
	log_line("hosts directory %s: the one that it is now stays in use, "
	    "whatever takes its place", options.hosts);
	listeners_start(loop);
	if (event_base_dispatch(loop) == -1)
		errx(1, "event loop");
}

int
main(int argc, char *argv[])
{
	static const struct child_listener	listener = {
		connection_verdict, connection_report, connections_lost,
		leave_when_empty
	};
	static struct child_settings		settings;
	static struct privilege			privilege;
	bool					wanted[PROTOCOL_COUNT] =
						    { false };
	unsigned int				descriptors;

	slots_stdio();
	signals_early();
	options_read(&options, argc, argv);
	slots_inherited();
	sandbox_try();
	privilege_find(&privilege, options.user);
	listeners_open(&options, wanted);
	slots_reserve();
	hosts_open(options.hosts);
	settings.programs[PROGRAM_TLS] = program_open("usherd-tls");
	settings.programs[PROGRAM_HTTP] = program_open("usherd-http");
	settings.programs[PROGRAM_RELAY] = program_open("usherd-relay");
	privilege_lower(&privilege);
	hosts_try();
	budget_make();
	loop_make();
	descriptors = descriptors_raise();
	settings.listener = &listener;
	settings.privilege = &privilege;
	settings.engine = options.engine;
	settings.recycle = options.recycle;
	settings.parser_clients = at_most(PARSER_CLIENTS_MAX,
	    (descriptors - SLOTS_BASE) / (4 * options.jobs));
	settings.relay_pairs = at_most(RELAY_PAIRS_MAX,
	    (descriptors - 32 - KEYS_COUNT) / RELAY_DESCRIPTORS);
	settings.relay_pipes = pipes_share(options.jobs *
	    (unsigned int)(wanted[PROTOCOL_TLS] + wanted[PROTOCOL_HTTP]));
	children_make(loop, &settings, wanted, options.jobs);
	connections_make(loop, settings.parser_clients * options.jobs *
	    PROTOCOL_COUNT, leave_when_empty);
	slots_fill();
	inflight_make(loop, at_most(UNPICKED_MAX,
	    (descriptors - SLOTS_BASE) / 4));
	keys_confine(&settings);
	run();
	children_finish();
	return 0;
}
