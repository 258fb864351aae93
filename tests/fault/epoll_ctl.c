/* SPDX-License-Identifier: ISC */
/*
 * epoll_ctl(2) that fails once in each process, as for a user who has no
 * watches left (ENOSPC), for tests only: the programs in which this is linked
 * are the shipped objects, and call this function in place of libc's.
 *
 * Which call it is, counting descriptors that are to be watched, is in the file
 * "fault" beside the program: nobody has an environment, and there is no file
 * system later.
 */
#include <sys/epoll.h>
#include <sys/syscall.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static long fault;	/* 0: none */

static void __attribute__((constructor))
fault_find(void)
{
	char	 path[PATH_MAX + sizeof("fault")], *slash;
	FILE	*file;
	ssize_t	 n;

	n = readlink("/proc/self/exe", path, PATH_MAX);
	if (n == -1)
		return;
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL)
		return;
	strcpy(slash + 1, "fault");
	file = fopen(path, "re");
	if (file == NULL)
		return;
	if (fscanf(file, "%ld", &fault) != 1)
		fault = 0;	/* none */
	(void)fclose(file);	/* read only */
}

int
epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
	static long added;

	if (operation == EPOLL_CTL_ADD && ++added == fault) {
		errno = ENOSPC;
		return -1;
	}
	return (int)syscall(SYS_epoll_ctl, epoll, operation, fd, event);
}
