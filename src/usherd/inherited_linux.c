/* SPDX-License-Identifier: ISC */
#include <sys/syscall.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "inherited.h"

/* Linux 5.11; older headers do not have it. */
enum { RANGE_CLOEXEC = 1 << 2 };

static int
cloexec(int fd)
{
	int flags;

	flags = fcntl(fd, F_GETFD);
	if (flags == -1)
		return -1;
	return fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
}

/* Only those that are open are listed. */
static int
cloexec_listed(int first)
{
	struct dirent	*entry;
	DIR		*dir;
	int		 fd, result = 0;

	dir = opendir("/proc/self/fd");
	if (dir == NULL)
		return -1;
	while (result == 0 && (entry = readdir(dir)) != NULL) {
		fd = atoi(entry->d_name);	/* the kernel's own numbers */
		if (fd >= first)
			result = cloexec(fd);
	}
	(void)closedir(dir);
	return result;
}

int
inherited_cloexec(int first)
{
	if (syscall(SYS_close_range, first, UINT_MAX, RANGE_CLOEXEC) == 0)
		return 0;
	if (errno != ENOSYS && errno != EINVAL && errno != EPERM)
		return -1;
	return cloexec_listed(first);
}
