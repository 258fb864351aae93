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

#include "../../sandbox/sandbox.h"
#include "../common/confine.h"
#include "relay.h"

enum {
	MESSAGES_PER_TURN = 4,
	SPARE_DESCRIPTORS = 32,		/* ours, and a message on its way in */
	DESCRIPTORS_PER_PAIR = 6	/* two sockets, two pipes */
};

enum { PRIORITY_CONNECTIONS, PRIORITY_FLUSH, PRIORITIES };

struct event_base	*relay_base;

static struct event	*flush_event;
static struct report	 ended;
static enum protocol	 protocol;

static void
report(const struct report *what)
{
	if (message_report(CHILD_REPORT, what, sizeof(*what)) == -1)
		_exit(0);	/* the parent is gone */
}

static void
flush(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	report(&ended);
	ended.ended = 0;
}

/* The endings of one turn of the loop are told together. */
void
relay_ended(void)
{
	if (ended.ended++ == 0)
		event_active(flush_event, 0, 0);
}

static void
refuse(int client, unsigned int refusal)
{
	const void	*answer;
	size_t		 size;

	answer = answer_find(protocol, refusal, &size);
	if (answer == NULL)
		_exit(1);	/* the parent does not say such things */
	pair_refuse(client, answer, size);
}

/* Carries out one order; gives how many of the n descriptors it took. */
static size_t
obey(const struct order *order, const int *fds, size_t n)
{
	static const struct report pong = { REPORT_PONG, 0 };

	switch ((enum order_kind)order->kind) {
	case ORDER_NONE:
		return 0;
	case ORDER_PING:
		report(&pong);
		return 0;
	case ORDER_RELAY:
		if (n < 2)
			break;
		pair_relay(fds[0], fds[1], order->grant);
		return 2;
	case ORDER_REFUSE:
		if (n < 1)
			break;
		refuse(fds[0], order->refusal);
		return 1;
	}
	_exit(1);	/* a broken message */
}

static void
take_orders(evutil_socket_t fd, short what, void *arg)
{
	struct orders	orders;
	int		fds[2 * ORDER_BATCH], turn;
	size_t		i, n, used;

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
		used = 0;
		for (i = 0; i < ORDER_BATCH; i++)
			used += obey(&orders.order[i], fds + used, n - used);
		if (used != n)
			_exit(1);
	}
}

static void
protocol_choose(const char *name)
{
	if (name != NULL && strcmp(name, "tls") == 0)
		protocol = PROTOCOL_TLS;
	else if (name != NULL && strcmp(name, "http") == 0)
		protocol = PROTOCOL_HTTP;
	else
		errx(1, "-e: tls or http");
}

static void
loop_make(unsigned long descriptors)
{
	struct event *control;

	if (descriptors < SPARE_DESCRIPTORS + DESCRIPTORS_PER_PAIR)
		errx(1, "-n: too few");
	relay_base = event_base_new();
	if (relay_base == NULL ||
	    event_base_priority_init(relay_base, PRIORITIES) == -1)
		errx(1, "event base");
	pair_table((descriptors - SPARE_DESCRIPTORS) / DESCRIPTORS_PER_PAIR);
	flush_event = event_new(relay_base, -1, 0, flush, NULL);
	control = event_new(relay_base, CHILD_CONTROL, EV_READ | EV_PERSIST,
	    take_orders, NULL);
	if (flush_event == NULL || control == NULL ||
	    event_priority_set(flush_event, PRIORITY_FLUSH) == -1 ||
	    event_priority_set(control, PRIORITY_CONNECTIONS) == -1 ||
	    event_add(control, NULL) == -1)
		errx(1, "event");
}

int
main(int argc, char *argv[])
{
	static const struct report	ready = { REPORT_READY, 0 };
	struct confinement		confinement;

	confine_options(&confinement, argc, argv);
	protocol_choose(confinement.engine);
	confine(&confinement);
	loop_make(confinement.descriptors);
	ended.kind = REPORT_ENDED;
	sandbox_enter_relay();
	confine_silence();
	report(&ready);
	return event_base_dispatch(relay_base) == 0 ? 0 : 1;
}
