/* SPDX-License-Identifier: ISC */
#include <err.h>
#include <unistd.h>

#include "../child/message_take.h"
#include "orders.h"

enum {
	ORDERS_PER_TURN = 16,
	ORDER_FDS = 2
};

static const struct orders_listener	*listener;
static struct event			*control;

/* The launcher is trusted, but one of another version could be there. */
static bool
order_allowed(const struct front_order *order, size_t nfds)
{
	switch ((enum front_kind)order->kind) {
	case FRONT_CHILD:
		return nfds == ORDER_FDS && order->place < PLACES &&
		    order->sweep == 0;
	case FRONT_SERVE:
	case FRONT_PING:
		return nfds == 0 && order->place == 0 && order->pid == 0 &&
		    order->sweep == 0;
	case FRONT_DRAIN:
		return nfds == 0 && order->place == 0 && order->pid == 0 &&
		    order->sweep <= 1;
	case FRONT_NONE:
		break;
	}
	return false;
}

static void
order_obey(const struct front_order *order, const int *fds)
{
	switch ((enum front_kind)order->kind) {
	case FRONT_CHILD:
		listener->child(order, fds);
		return;
	case FRONT_SERVE:
		listener->serve();
		return;
	case FRONT_PING:
		listener->ping();
		return;
	case FRONT_DRAIN:
		listener->drain(order->sweep == 1);
		return;
	case FRONT_NONE:
		return;
	}
}

static void
take(evutil_socket_t fd, short what, void *arg)
{
	struct front_order	order;
	int			fds[ORDER_FDS], turn;
	size_t			n;

	(void)what;
	(void)arg;
	for (turn = 0; turn < ORDERS_PER_TURN; turn++) {
		switch (message_take(fd, &order, sizeof(order), fds,
		    ORDER_FDS, &n)) {
		case MESSAGE_TAKEN:
			if (!order_allowed(&order, n))
				_exit(1);	/* a broken message */
			order_obey(&order, fds);
			break;
		case MESSAGE_NONE:
			return;
		case MESSAGE_CLOSED:
			(void)event_del(control);
			listener->drain(false);
			return;
		case MESSAGE_BROKEN:
			_exit(1);
		}
	}
}

void
orders_make(struct event_base *base, const struct orders_listener *who)
{
	listener = who;
	control = event_new(base, FRONT_CONTROL, EV_READ | EV_PERSIST, take,
	    NULL);
	if (control == NULL || event_add(control, NULL) == -1)
		errx(1, "out of memory");
}
