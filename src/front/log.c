/* SPDX-License-Identifier: ISC */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

enum { LINE_MAX_BYTES = 1024 };	/* below PIPE_BUF: a line is never torn */

static unsigned long long	lost, lost_told;

void
log_lost(void)
{
	lost++;
}

unsigned long long
log_lost_total(void)
{
	return lost;
}

/* Gives -1 when it would have to wait. */
static int
write_line(const char *line, size_t n)
{
	struct pollfd out = { STDERR_FILENO, POLLOUT, 0 };

	if (poll(&out, 1, 0) != 1 || (out.revents & POLLOUT) == 0)
		return -1;
	return write(STDERR_FILENO, line, n) == (ssize_t)n ? 0 : -1;
}

void
log_line(const char *format, ...)
{
	char	line[LINE_MAX_BYTES];
	va_list	arguments;
	int	at, n;

	at = snprintf(line, sizeof(line), "usherd: ");
	if (lost > lost_told)
		at += snprintf(line + at, sizeof(line) - (size_t)at,
		    "(%llu lines lost) ", lost - lost_told);
	va_start(arguments, format);
	n = vsnprintf(line + at, sizeof(line) - (size_t)at - 1, format,
	    arguments);
	va_end(arguments);
	if (n < 0)
		return;
	at += n;
	if ((size_t)at > sizeof(line) - 2)
		at = (int)sizeof(line) - 2;
	line[at++] = '\n';
	if (write_line(line, (size_t)at) == -1)
		lost++;
	else
		lost_told = lost;
}
