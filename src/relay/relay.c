/* SPDX-License-Identifier: ISC */
/*
 * The hands: the loop of a relay.  It takes sockets and orders from the
 * parent, moves bytes it cannot look at, and tells how many connections have
 * ended.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../child/confine.h"
#include "../child/loop.h"
#include "../child/message_take.h"
#include "mover.h"
#include "relay.h"

enum {
	MESSAGES_PER_TURN = 4,
	TIMERS = 8,			/* one for each list of ages, turns */
	SPARE_DESCRIPTORS = 32,		/* ours, and a message on its way in */
	DESCRIPTORS_PER_PAIR = 6	/* two sockets, two pipes */
};

struct event_base	*relay_base;
enum protocol		 relay_protocol;

static struct event	*flush_event;
static struct report	 reports[REPORT_BATCH];
static size_t		 nreports;
static uint32_t		 ended;

static void
flush(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	if (ended > 0) {
		reports[nreports].kind = REPORT_ENDED;
		reports[nreports++].value = ended;
	}
	ended = 0;
	if (nreports > 0 && message_report(CHILD_REPORT, reports,
	    nreports * sizeof(reports[0])) == -1)
		_exit(0);	/* the parent is gone */
	nreports = 0;
}

/* The reports of one turn of the loop go out together. */
void
relay_report(enum report_kind kind, uint32_t value)
{
	/* One place is left for the endings. */
	if (nreports == REPORT_BATCH - 1)
		flush(-1, 0, NULL);
	reports[nreports].kind = kind;
	reports[nreports++].value = value;
	event_active(flush_event, 0, 0);
}

void
relay_ended(void)
{
	if (ended++ == 0)
		event_active(flush_event, 0, 0);
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
		relay_report(REPORT_PONG, 0);
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

static void
take_orders(evutil_socket_t fd, short what, void *arg)
{
	struct orders	orders;
	int		fds[2 * ORDER_BATCH], turn;
	size_t		n;

	(void)what;
	(void)arg;
	for (turn = 0; turn < MESSAGES_PER_TURN; turn++) {
		switch (message_take(fd, &orders, sizeof(orders), fds,
		    sizeof(fds) / sizeof(fds[0]), &n)) {
		case MESSAGE_TAKEN:
			break;
		case MESSAGE_NONE:
			return;
		case MESSAGE_CLOSED:
			_exit(0);
		case MESSAGE_BROKEN:
			_exit(1);
		}
		orders_take(&orders, fds, n);
	}
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
	struct event *control;

	if (descriptors < SPARE_DESCRIPTORS + DESCRIPTORS_PER_PAIR)
		errx(1, "-n: too few");
	relay_base = loop_new(NULL, TIMERS);
	if (relay_base == NULL)
		errx(1, "event base");
	pair_table((descriptors - SPARE_DESCRIPTORS) / DESCRIPTORS_PER_PAIR);
	flush_event = event_new(relay_base, -1, 0, flush, NULL);
	control = event_new(relay_base, CHILD_CONTROL, EV_READ | EV_PERSIST,
	    take_orders, NULL);
	if (flush_event == NULL || control == NULL ||
	    event_add(control, NULL) == -1)
		errx(1, "event");
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
	relay_report(REPORT_READY, 0);
	return event_base_dispatch(relay_base) == 0 ? 0 : 1;
}
