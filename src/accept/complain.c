/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "complain.h"

enum {
	DELETE = 0x7f,
	LINE_BYTES = PATH_MAX + 256	/* one path and what is wrong with it */
};

void
complain(const char *format, ...)
{
	static const char	 prefix[] = "libusher-accept: ";
	const int		 error = errno;
	char			 line[LINE_BYTES], *p;
	va_list			 values;
	size_t			 n = sizeof(prefix) - 1;

	memcpy(line, prefix, n);
	va_start(values, format);
	(void)vsnprintf(line + n, sizeof(line) - n - 1, format, values);
	va_end(values);
	for (p = line; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == DELETE)
			*p = '?';
	}
	*p++ = '\n';
	if (write(STDERR_FILENO, line, (size_t)(p - line)) == -1)
		errno = error;	/* there is nobody to be told */
	errno = error;
}
