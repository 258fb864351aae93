/* SPDX-License-Identifier: ISC */
/*
 * The hands: the loop of a relay.  It takes sockets and orders from its
 * front, moves bytes it cannot look at, and tells how many connections have
 * ended.  When the front is gone it finishes what it has, and then exits 0.
 */
#include <err.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "../child/confine.h"
#include "../child/loop.h"
#include "../child/message_take.h"
#include "answer.h"
#include "mover.h"
#include "order.h"
#include "pair.h"
#include "relay.h"
#include "word.h"

enum {
	MESSAGES_PER_TURN = 4,
	TIMERS = 8,			/* one for each list of ages, turns */
	SPARE_DESCRIPTORS = 32,		/* ours, and a message on its way in */
	DESCRIPTORS_PER_PAIR = 6	/* two sockets, two pipes */
};

struct event_base	*relay_base;
enum protocol		 relay_protocol;

static struct event	*control;
static bool		 draining;

/* main() goes on. */
static void
drain(void)
{
	draining = true;
	(void)event_base_loopbreak(relay_base);	/* sets a flag */
}

/* How many descriptors come with an order. */
static size_t
descriptors_of(enum order_kind kind)
{
	switch (kind) {
	case ORDER_NONE:
	case ORDER_PING:
	case ORDER_GRANT:
	case ORDER_END:
		return 0;
	case ORDER_REFUSE:
	case ORDER_NEXT:
		return 1;
	case ORDER_RELAY:
		return 2;
	}
	_exit(1);	/* a broken message */
}

static void
obey(const struct order *order, const int *fds)
{
	switch ((enum order_kind)order->kind) {
	case ORDER_NONE:
		return;
	case ORDER_PING:
		report_own(REPORT_PONG);
		return;
	case ORDER_RELAY:
		pair_relay(order, fds[0], fds[1]);
		return;
	case ORDER_REFUSE:
		pair_refuse(fds[0], order->refusal);
		return;
	case ORDER_GRANT:
		word_grant(order);
		return;
	case ORDER_NEXT:
		word_next(order, fds[0]);
		return;
	case ORDER_END:
		word_end(order);
		return;
	}
}

static void
orders_take(const struct orders *orders, const int *fds, size_t n)
{
	size_t i, needed, used = 0;

	for (i = 0; i < ORDER_BATCH; i++) {
		if (!order_allowed(&orders->order[i], relay_protocol))
			_exit(1);	/* a broken message */
		needed = descriptors_of(
		    (enum order_kind)orders->order[i].kind);
		if (needed > n - used)
			_exit(1);
		obey(&orders->order[i], fds + used);
		used += needed;
	}
	if (used != n)
		_exit(1);
}

/* Gives false when there are none. */
static bool
take_some(void)
{
	struct orders	orders;
	int		fds[2 * ORDER_BATCH];
	size_t		n;

	switch (message_take(CHILD_CONTROL, &orders, sizeof(orders), fds,
	    sizeof(fds) / sizeof(fds[0]), &n)) {
	case MESSAGE_TAKEN:
		orders_take(&orders, fds, n);
		return true;
	case MESSAGE_NONE:
		return false;
	case MESSAGE_CLOSED:
		(void)event_del(control);	/* it would tell for ever */
		drain();
		return false;
	case MESSAGE_BROKEN:
		break;
	}
	_exit(1);
}

static void
take_orders(evutil_socket_t fd, short what, void *arg)
{
	int turn = 0;

	(void)fd;
	(void)what;
	(void)arg;
	while (turn < MESSAGES_PER_TURN && take_some())
		turn++;
	if (turn > 0 && draining)
		pairs_drain();
}

static void
protocol_choose(const char *name)
{
	if (name != NULL && strcmp(name, "tls") == 0)
		relay_protocol = PROTOCOL_TLS;
	else if (name != NULL && strcmp(name, "http") == 0)
		relay_protocol = PROTOCOL_HTTP;
	else
		errx(1, "-e: tls or http");
}

static void
loop_make(unsigned long descriptors)
{
	if (descriptors < SPARE_DESCRIPTORS + DESCRIPTORS_PER_PAIR)
		errx(1, "-n: too few");
	relay_base = loop_new(NULL, TIMERS);
	if (relay_base == NULL)
		errx(1, "event base");
	pair_table((descriptors - SPARE_DESCRIPTORS) / DESCRIPTORS_PER_PAIR,
	    drain);
	control = event_new(relay_base, CHILD_CONTROL, EV_READ | EV_PERSIST,
	    take_orders, NULL);
	if (control == NULL || event_add(control, NULL) == -1)
		errx(1, "event");
}

/*
 * Without a front, what is here goes on to its end; and what it had decided
 * before it went, which may still be in the channel.
 */
static int
finish(void)
{
	do {
		pairs_drain();
		while (pairs_live() > 0) {
			if (event_base_loop(relay_base, EVLOOP_ONCE) == -1)
				return 1;
		}
	} while (take_some());
	return 0;
}

int
main(int argc, char *argv[])
{
	struct sandbox_constant	answers[REFUSAL_COUNT];
	struct confinement	confinement;

	confine_options(&confinement, argc, argv);
	protocol_choose(confinement.engine);
	mover_make(confinement.pipes);
	confine(&confinement);
	loop_make(confinement.descriptors);
	sandbox_enter_relay(answers, answers_list(relay_protocol, answers));
	confine_silence();
	report_own(REPORT_READY);
	if (event_base_dispatch(relay_base) == -1)
		return 1;
	return finish();
}
