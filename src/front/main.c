/* SPDX-License-Identifier: ISC */
/*
 * usherd-front, the keys of a shard: it takes connections in, finds who they
 * are for, and passes them on.  It never reads a byte of them.
 */
#include <sys/resource.h>

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../sandbox/sandbox.h"
#include "../child/ids.h"
#include "../child/loop.h"
#include "../common/shares.h"
#include "accept.h"
#include "children.h"
#include "connection.h"
#include "counts.h"
#include "events.h"
#include "handoff.h"
#include "hosts.h"
#include "log.h"
#include "machine.h"
#include "options.h"
#include "orders.h"
#include "query.h"
#include "recycle.h"
#include "request.h"
#include "slots.h"

enum {
	INFLIGHT_MAX = 4096
};

static struct event_base	*loop;
static struct front_options	 options;
static bool			 ready, draining, over;

static void
leave_when_empty(void)
{
	if (draining && connections_present() == 0 &&
	    children_relayed() == 0 && over)
		(void)event_base_loopexit(loop, NULL);
}

static void
on_over(void)
{
	over = true;
	leave_when_empty();
}

static void
on_child(const struct front_order *order, const int fds[2])
{
	if (children_add(order, fds) == -1)
		_exit(1);	/* the launcher does not say such things */
}

static void
on_ping(void)
{
	request_say(REQUEST_PONG);
}

static void
tell_drain(struct child *child, void *arg)
{
	(void)arg;
	child_tell_drain(child);
}

static void
on_drain(bool sweep)
{
	if (draining)
		return;
	draining = true;
	children_each(tell_drain, NULL);
	accept_stop(sweep);
}

static void
on_ready(struct child *child)
{
	recycle_ready(child);
	if (draining)
		child_tell_drain(child);
	if (ready || !children_ready())
		return;
	ready = true;
	request_say(REQUEST_READY);
}

static void
on_lost(struct child *child)
{
	recycle_lost(child);
	events_lost(child);
}

static void
loop_says(const char *text)
{
	(void)text;		/* the log takes no text of ours */
	log_loop(errno);
}

static unsigned int
at_most(unsigned int value, unsigned int limit)
{
	return value < limit ? value : limit;
}

static void
limit(int what, rlim_t value)
{
	const struct rlimit rl = { value, value };

	if (setrlimit(what, &rl) == -1)
		err(1, "setrlimit");
}

static void
step_said(uint32_t id, enum connection_state state,
    enum connection_event event, enum connection_action action,
    enum connection_state next)
{
	log_step(id, state, event, action, next);
}

/* What is ours for as long as we are. */
static void
tables_make(void)
{
	static const struct children_listener	children = {
		events_verdict, events_report, on_ready, events_told, on_lost,
		leave_when_empty
	};
	static const struct orders_listener	orders = {
		on_child, accept_start, on_ping, on_drain
	};
	static struct accept_front		front = {
		1, events_room, connections_used, events_accept, log_accept,
		slot_empty, on_over
	};
	const unsigned int	descriptors = options.descriptors - SLOTS_BASE;
	const unsigned int	clients = at_most(PARSER_CLIENTS_MAX,
				    descriptors / 4);
	const unsigned int	pairs = at_most(RELAY_PAIRS_MAX,
				    (options.descriptors - CHILD_SPARE) /
				    RELAY_DESCRIPTORS);
	bool			wanted[PROTOCOL_COUNT] = { false };
	size_t			i;

	for (i = 0; i < options.nlisteners; i++)
		wanted[options.listeners[i].protocol] = true;
	request_make(loop);
	children_make(loop, &children, wanted, clients, pairs);
	recycle_make(loop, options.recycle);
	/* Those that parsers have, and for HTTP those that relays have. */
	machine_make(loop, clients * PROTOCOL_COUNT + pairs, leave_when_empty);
	/* The system counts what is in flight per user: twice for all shards,
	 * because there are two of each during an upgrade. */
	handoff_make(loop, at_most(INFLIGHT_MAX,
	    descriptors / 2 / (2 * options.shards)));
	front.shards = options.shards;
	if (options.verbose)
		machine_debug(step_said);
	accept_make(loop, &front, options.listeners, options.nlisteners);
	orders_make(loop, &orders);
}

/* The last act before anybody is let in. */
static void
confine_front(void)
{
	int			slots[2 * PLACES];
	int			listeners[FRONT_LISTENERS_MAX];
	int			pipes[QUERY_PIPES];
	struct sandbox_front	front = {
		slots, 0, listeners, options.nlisteners, slot_nothing(),
		pipes, QUERY_PIPES
	};
	size_t			i;

	front.nslots = children_slots(slots);
	for (i = 0; i < options.nlisteners; i++)
		listeners[i] = options.listeners[i].fd;
	queries_pipes(pipes);
	sandbox_enter_front(&front);
}

int
main(int argc, char *argv[])
{
	front_options(&options, argc, argv);
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		err(1, "signals");
	slots_make(FRONT_LISTENERS + (int)options.nlisteners);
	if (options.change_ids)
		ids_change(options.uid, options.gid, true);
	limit(RLIMIT_NOFILE, options.descriptors);
	limit(RLIMIT_FSIZE, 0);
	limit(RLIMIT_CORE, 0);
	hosts_use(FRONT_HOSTS, options.hosts);
	sandbox_harden("usherd-front");
	sandbox_landlock_hosts(FRONT_HOSTS);	/* before the threads */
	counts_open();
	loop = loop_new(loop_says, SLOTS_BASE);
	if (loop == NULL)
		errx(1, "event base");
	tables_make();
	slots_fill();
	queries_start();
	limit(RLIMIT_NPROC, 0);
	confine_front();
	if (dup2(STDIN_FILENO, STDERR_FILENO) == -1)
		_exit(1);
	if (event_base_dispatch(loop) == -1)
		_exit(1);
	return 0;
}
