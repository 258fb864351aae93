/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "name.h"
#include "probe.h"
#include "real.h"
#include "sweep.h"

enum {
	READS_MAX = 32,		/* some 1000 entries */
	READ_BYTES = 2048	/* on the stack of a signal handler, maybe */
};

static void
sweep_one(int directory, const char *name)
{
	struct stat st;

	if (name_is_hidden(name) &&
	    probe(directory, name, &st) == PROBE_STALE)
		(void)real()->unlinkat(directory, name, 0);
}

/* By getdents64(2), since opendir(3) takes memory. */
void
sweep(int directory)
{
	const int		 error = errno;
	const struct dirent64	*entry;
	union {
		struct dirent64	first;
		char		bytes[READ_BYTES];
	} list;
	ssize_t			 at, n = 1;
	int			 fd, reads;

	fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (reads = 0; fd != -1 && n > 0 && reads < READS_MAX; reads++) {
		n = getdents64(fd, list.bytes, sizeof(list.bytes));
		for (at = 0; at < n; at += entry->d_reclen) {
			entry = (const void *)(list.bytes + at);
			sweep_one(directory, entry->d_name);
		}
	}
	if (fd != -1)
		(void)close(fd);	/* read only */
	errno = error;
}
