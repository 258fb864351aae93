/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "complain.h"

enum {
	DELETE = 0x7f,
	LINE_BYTES = PATH_MAX + 256	/* one path and what is wrong with it */
};

static bool silent;

void
complain_begin(void)
{
	silent = fcntl(STDERR_FILENO, F_GETFD) == -1;
}

/* A SIGPIPE that was pending before stays so. */
static void
write_quietly(const char *line, size_t n)
{
	const struct timespec	at_once = { 0, 0 };
	sigset_t		before, pending, pipe;

	(void)sigemptyset(&pipe);
	(void)sigaddset(&pipe, SIGPIPE);
	(void)pthread_sigmask(SIG_BLOCK, &pipe, &before);
	(void)sigpending(&pending);
	/* What cannot be written is lost: there is nobody to be told. */
	if (write(STDERR_FILENO, line, n) == -1 && errno == EPIPE &&
	    sigismember(&pending, SIGPIPE) == 0)
		(void)sigtimedwait(&pipe, NULL, &at_once);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void
complain(const char *format, ...)
{
	static const char	 prefix[] = "libusher-accept: ";
	const int		 error = errno;
	char			 line[LINE_BYTES], *p;
	va_list			 values;
	size_t			 n = sizeof(prefix) - 1;

	if (silent)
		return;
	memcpy(line, prefix, n);
	va_start(values, format);
	(void)vsnprintf(line + n, sizeof(line) - n - 1, format, values);
	va_end(values);
	for (p = line; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == DELETE)
			*p = '?';
	}
	*p++ = '\n';
	write_quietly(line, (size_t)(p - line));
	errno = error;
}
