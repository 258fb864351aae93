/* SPDX-License-Identifier: ISC */
/*
 * Linux: pipe(7), /proc files.  Beyond the soft limit a user's new pipes have
 * two pages and old ones do not grow; beyond the hard one there are no more.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "pipes.h"

enum {
	LOG_PIPE = 256 * 1024,
	PAGES_DEFAULT = 16384,	/* of the soft limit, fs/pipe.c */
	SHARE_MAX = 1024 * 1024 * 1024	/* nobody has use for more */
};

/* 0: no such limit. */
static unsigned long
pages(const char *path, unsigned long unknown)
{
	unsigned long	 value = unknown;
	FILE		*file;

	file = fopen(path, "re");
	if (file == NULL)
		return unknown;
	if (fscanf(file, "%lu", &value) != 1)
		value = unknown;
	(void)fclose(file);	/* read only */
	return value;
}

size_t
pipes_share(unsigned int n)
{
	const size_t	page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned long	soft, hard, limit;

	soft = pages("/proc/sys/fs/pipe-user-pages-soft", PAGES_DEFAULT);
	hard = pages("/proc/sys/fs/pipe-user-pages-hard", 0);
	limit = hard != 0 && (soft == 0 || hard < soft) ? hard : soft;
	/* Without a limit, pipes are memory all the same. */
	if (limit == 0)
		limit = PAGES_DEFAULT;
	limit = limit / 2 / n;
	return limit > SHARE_MAX / page ? SHARE_MAX : (size_t)limit * page;
}

void
log_pipe_grow(int pipe)
{
	(void)fcntl(pipe, F_SETPIPE_SZ, LOG_PIPE);	/* else it is smaller */
}
