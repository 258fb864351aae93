/* SPDX-License-Identifier: ISC */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../common/agelist.h"
#include "log.h"

enum { LINE_MAX_BYTES = 1024 };	/* below PIPE_BUF: a line is never torn */

static unsigned long	dropped;

/* Gives -1 when it would have to wait. */
static int
write_line(const char *line, size_t n)
{
	struct pollfd out = { STDERR_FILENO, POLLOUT, 0 };

	if (poll(&out, 1, 0) != 1 || (out.revents & POLLOUT) == 0)
		return -1;
	return write(STDERR_FILENO, line, n) == (ssize_t)n ? 0 : -1;
}

static void
log_arguments(const char *format, va_list arguments)
{
	char	line[LINE_MAX_BYTES];
	int	at, n;

	at = snprintf(line, sizeof(line), "usherd: ");
	if (dropped > 0)
		at += snprintf(line + at, sizeof(line) - (size_t)at,
		    "(%lu lines lost) ", dropped);
	n = vsnprintf(line + at, sizeof(line) - (size_t)at - 1, format,
	    arguments);
	if (n < 0)
		return;
	at += n;
	if ((size_t)at > sizeof(line) - 2)
		at = (int)sizeof(line) - 2;
	line[at++] = '\n';
	if (write_line(line, (size_t)at) == -1)
		dropped++;
	else
		dropped = 0;
}

void
log_line(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_arguments(format, arguments);
	va_end(arguments);
}

void
log_refusal(const char *format, ...)
{
	static int64_t	since, tokens = LOG_BURST * 1000;
	va_list		arguments;
	int64_t		now = agelist_now();

	tokens += (now - since) * LOG_RATE;	/* thousandths of a line */
	if (since == 0 || tokens > LOG_BURST * 1000)
		tokens = LOG_BURST * 1000;
	since = now;
	if (tokens < 1000) {
		dropped++;
		return;
	}
	tokens -= 1000;
	va_start(arguments, format);
	log_arguments(format, arguments);
	va_end(arguments);
}
