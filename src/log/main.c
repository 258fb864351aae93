/* SPDX-License-Identifier: ISC */
/*
 * usherd-log: writes the log, alone.  Orders come from the launcher, records
 * from the fronts; what may be in them is checked in check.c.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "../../sandbox/sandbox.h"
#include "../child/confine.h"
#include "../child/message_take.h"
#include "../common/launch.h"
#include "budget.h"
#include "figures.h"
#include "lines.h"
#include "shards.h"

enum {
	ORDERS_PER_TURN = 16,
	ORDER_FDS = 2		/* LOG_SHARD: pipe, page */
};

/*
 * The filter lets descriptors from LOG_FIRST_FREE on be closed, so what comes
 * must not get a number below that.
 */
static void
numbers_cover(void)
{
	int fd;

	for (fd = CHILD_EMPTY; fd < LOG_FIRST_FREE; fd++) {
		if (fcntl(STDIN_FILENO, F_DUPFD, CHILD_EMPTY) != fd)
			err(1, "descriptor %d", fd);
	}
}

/* What could not be said is of no use later: the launcher asks again. */
static void
request(enum request what)
{
	const unsigned char byte = (unsigned char)what;

	while (write(CHILD_REPORT, &byte, 1) == -1 && errno == EINTR)
		continue;
}

/* Does the order have what its kind has, and nothing else? */
static bool
order_legal(const struct log_order *order, size_t nfds)
{
	const bool shard = order->kind == LOG_SHARD;

	if (memchr(order->text, '\0', sizeof(order->text)) == NULL ||
	    order->zero != 0 || nfds != (shard ? ORDER_FDS : 0))
		return false;
	if (shard ? order->shard == 0 || order->shard > LOG_SHARDS_MAX :
	    order->shard != 0)
		return false;
	if (order->value != 0 && order->kind != LOG_CUT)
		return false;
	return order->text[0] == '\0' || shard || order->kind == LOG_TEXT;
}

/* Gives -1 when it is not an order. */
static int
order_follow(const struct log_order *order, const int fds[ORDER_FDS],
    size_t nfds)
{
	if (!order_legal(order, nfds))
		return -1;
	switch ((enum log_order_kind)order->kind) {
	case LOG_SHARD:
		return shards_give(order->shard, fds[0], fds[1], order->text);
	case LOG_TEXT:
		lines_put(order->text);
		return 0;
	case LOG_COUNTS:
		figures_counts(shards_pages());
		return 0;
	case LOG_STOPPING:
		figures_stopping(shards_pages());
		return 0;
	case LOG_CUT:
		figures_cut(shards_pages(), order->value);
		return 0;
	case LOG_PING:
		request(REQUEST_PONG);
		return 0;
	case LOG_NONE:
		break;
	}
	return -1;
}

static void __attribute__((noreturn))
refuse_order(void)
{
	lines_put("log: not an order of the launcher's");
	lines_flush();
	_exit(1);
}

/* Gives false when there will be no more orders. */
static bool
orders_take(void)
{
	struct log_order	order;
	int			fds[ORDER_FDS], i;
	size_t			nfds;

	for (i = 0; i < ORDERS_PER_TURN; i++) {
		switch (message_take(CHILD_CONTROL, &order, sizeof(order),
		    fds, ORDER_FDS, &nfds)) {
		case MESSAGE_TAKEN:
			if (order_follow(&order, fds, nfds) == -1)
				refuse_order();
			break;
		case MESSAGE_BROKEN:
			refuse_order();
		case MESSAGE_NONE:
			return true;
		case MESSAGE_CLOSED:
			return false;
		}
	}
	return true;
}

static void
run(void)
{
	struct pollfd fds[1 + LOG_SHARDS_MAX];

	for (;;) {
		fds[0].fd = CHILD_CONTROL;
		fds[0].events = POLLIN;
		shards_watch(fds + 1);
		if (poll(fds, 1 + LOG_SHARDS_MAX, -1) == -1) {
			if (errno == EINTR)
				continue;
			_exit(1);
		}
		shards_turn(fds + 1);
		lines_flush();
		if (fds[0].revents != 0 && !orders_take())
			break;
		lines_flush();
	}
	lines_flush();	/* of the last orders */
	shards_drain();
}

int
main(int argc, char *argv[])
{
	struct confinement	confinement;
	bool			steps;

	confine_options(&confinement, argc, argv);
	steps = confinement.engine != NULL &&
	    strcmp(confinement.engine, "steps") == 0;
	confinement.files = 1;
	budget_make();
	shards_make(steps);
	confine(&confinement);
	numbers_cover();
	sandbox_enter_log();
	request(REQUEST_READY);
	run();
	return 0;
}
