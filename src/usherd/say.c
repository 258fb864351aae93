/* SPDX-License-Identifier: ISC */
#include <err.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../common/message_send.h"
#include "say.h"

static int		control = -1;
static unsigned int	lost;

void
say_by(int fd)
{
	control = fd;
}

static void
send_order(const struct log_order *order)
{
	if (message_send(control, order, sizeof(*order), NULL, 0) == -1)
		lost++;
	else
		lost = 0;
}

void
say_order(enum log_order_kind kind, uint32_t value)
{
	struct log_order order;

	if (control == -1)
		return;
	memset(&order, 0, sizeof(order));
	order.kind = (uint32_t)kind;
	order.value = value;
	send_order(&order);
}

/* Without a log process we write ourselves, and do not wait, either: a pipe
 * of which poll(2) says so has room for a line. */
static bool
stderr_takes(void)
{
	struct pollfd out = { STDERR_FILENO, POLLOUT, 0 };

	return poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0;
}

void
say(const char *format, ...)
{
	struct log_order	order;
	va_list			arguments;
	int			n = 0;

	memset(&order, 0, sizeof(order));
	order.kind = LOG_TEXT;
	if (lost > 0)
		n = snprintf(order.text, sizeof(order.text),
		    "(%u lines of the launcher lost) ", lost);
	va_start(arguments, format);
	(void)vsnprintf(order.text + n, sizeof(order.text) - (size_t)n,
	    format, arguments);	/* what is too long is cut */
	va_end(arguments);
	if (control != -1) {
		send_order(&order);
	} else if (stderr_takes()) {
		warnx("%s", order.text);
		lost = 0;
	} else {
		lost++;
	}
}
