/* SPDX-License-Identifier: ISC */
/*
 * The hands: the loop of a relay.  It takes sockets and orders from its
 * front, moves bytes it cannot look at as far as its parser lets it, and tells
 * how each connection has ended.  When the front is gone it finishes what it
 * has, and then exits 0.  Whatever its parser says, it goes on.
 */
#include <err.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "../child/confine.h"
#include "../child/loop.h"
#include "../child/message_take.h"
#include "../common/shares.h"
#include "answer.h"
#include "granted.h"
#include "mover.h"
#include "order.h"
#include "run.h"
#include "word.h"

enum {
	MESSAGES_PER_TURN = 4,
	MESSAGES_WAITING = 1024, /* more than a socket holds of them */
	TIMERS = 12		/* one for each list of ages, turns */
};

static struct event_base *base;
static struct event	*control;
static bool		 closed;	/* and nothing is left in it */

/* main() goes on. */
static void
drain(void)
{
	(void)event_base_loopbreak(base);	/* sets a flag */
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
		word_relay(order, fds[0], fds[1]);
		return;
	case ORDER_REFUSE:
		word_refuse(order, fds[0]);
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
		needed = order_descriptors(&orders->order[i]);
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

	if (closed)
		return false;
	switch (message_take(CHILD_CONTROL, &orders, sizeof(orders), fds,
	    sizeof(fds) / sizeof(fds[0]), &n)) {
	case MESSAGE_TAKEN:
		orders_take(&orders, fds, n);
		return true;
	case MESSAGE_NONE:
		return false;
	case MESSAGE_CLOSED:
		(void)event_del(control);	/* it would tell for ever */
		closed = true;
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
	int turn;

	(void)fd;
	(void)what;
	(void)arg;
	for (turn = 0; turn < MESSAGES_PER_TURN && take_some(); turn++)
		;
}

/*
 * The front lets usherd-http speak of a backend only when it has sent it here,
 * so that it is in the channel by now, if it is not what has ended meanwhile.
 */
static bool
take_grant(const struct grant *grant)
{
	enum word_result	result = word_grant(grant);
	int			turn;

	if (result == WORD_UNKNOWN || result == WORD_EARLY) {
		for (turn = 0; turn < MESSAGES_WAITING && take_some(); turn++)
			;
		result = word_grant(grant);
	}
	return result == WORD_TAKEN || result == WORD_UNKNOWN;
}

/* Whoever was taken over goes on giving names: the front is to end it. */
static void
parser_lost(bool breach)
{
	if (breach)
		report_own(REPORT_BREACH);
	word_parser_lost();
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
loop_make(const struct confinement *confinement)
{
	if (confinement->descriptors < CHILD_SPARE + RELAY_DESCRIPTORS)
		errx(1, "-n: too few");
	if ((confinement->pair != 0) != (relay_protocol == PROTOCOL_HTTP))
		errx(1, "-g: for http, and for nothing else");
	base = loop_new(NULL, TIMERS);
	if (base == NULL)
		errx(1, "event base");
	turns_make(base, run);
	pairs_make(base, (confinement->descriptors - CHILD_SPARE) /
	    RELAY_DESCRIPTORS, run_late, drain);
	if (confinement->pair != 0)
		granted_make(base, take_grant, parser_lost);
	control = event_new(base, CHILD_CONTROL, EV_READ | EV_PERSIST,
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
		while (pairs_live() > 0) {
			if (event_base_loop(base, EVLOOP_ONCE) == -1)
				return 1;
		}
	} while (take_some());
	return 0;
}

int
main(int argc, char *argv[])
{
	struct sandbox_constant	answers[ANSWERS_MAX];
	struct confinement	confinement;

	confine_options(&confinement, argc, argv);
	protocol_choose(confinement.engine);
	mover_make(confinement.pipes);
	confine(&confinement);
	loop_make(&confinement);
	confine_fill();
	sandbox_enter_relay(answers, answers_list(relay_protocol, answers),
	    confinement.pair != 0);
	confine_silence();
	report_own(REPORT_READY);
	if (event_base_dispatch(base) == -1)
		return 1;
	return finish();
}
