/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lines.h"

enum {
	GATHERED_MAX = 4096,	/* PIPE_BUF: never torn, and where poll(2) says
				 * that a pipe has room, it has so much */
	LINE_MAX_BYTES = LINE_TEXT_MAX + 64	/* beginning, count, newline */
};

static char	gathered[GATHERED_MAX];
static size_t	used;
static uint64_t	lines;			/* in gathered */
static uint64_t	lost, lost_told;	/* told by a line in gathered, too */
static uint64_t	lost_written;		/* told by a line that was written */

/* Gives -1 when it would have to wait. */
static int
write_all(const char *bytes, size_t n)
{
	struct pollfd	out = { STDERR_FILENO, POLLOUT, 0 };
	ssize_t		written;

	if (poll(&out, 1, 0) != 1 || (out.revents & POLLOUT) == 0)
		return -1;
	do {
		written = write(STDERR_FILENO, bytes, n);
	} while (written == -1 && errno == EINTR);
	return written == (ssize_t)n ? 0 : -1;
}

void
lines_flush(void)
{
	if (used == 0)
		return;
	if (write_all(gathered, used) == 0) {
		lost_written = lost_told;
	} else {
		lost += lines;
		lost_told = lost_written;
	}
	used = 0;
	lines = 0;
}

void
lines_put(const char *text)
{
	char	line[LINE_MAX_BYTES], told[48] = "";
	int	n;

	if (sizeof(gathered) - used < sizeof(line))
		lines_flush();
	if (lost > lost_told)
		(void)snprintf(told, sizeof(told), "(%" PRIu64 " lines lost) ",
		    lost - lost_told);
	n = snprintf(line, sizeof(line), "usherd: %s%.*s\n", told,
	    LINE_TEXT_MAX - 1, text);
	if (n < 0)
		return;	/* nothing in it can fail */
	memcpy(gathered + used, line, (size_t)n);
	used += (size_t)n;
	lines++;
	lost_told = lost;
}

void
lines_lost(uint64_t n)
{
	lost += n;
}

uint64_t
lines_lost_total(void)
{
	return lost;
}
