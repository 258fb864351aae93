/* SPDX-License-Identifier: ISC */
/*
 * epoll_ctl(2) that fails once in each process, as for a user who has no
 * watches left (ENOSPC), for tests only: the programs in which this is linked
 * are the shipped objects, and call this function in place of libc's.
 *
 * It is the seventh descriptor that is to be watched: a child watches two of
 * its own at its start, so it is one of a connection.  The parent, whose
 * environment says so (children have none): that of EPOLL_FAULT.
 */
#include <sys/epoll.h>
#include <sys/syscall.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { CHILD_FAULT = 7 };

int
epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
	static long	 added, fault = -1;
	const char	*text;

	if (fault == -1) {
		text = getenv("EPOLL_FAULT");
		fault = text == NULL ? CHILD_FAULT : strtol(text, NULL, 10);
	}
	if (operation == EPOLL_CTL_ADD && ++added == fault) {
		errno = ENOSPC;
		return -1;
	}
	return (int)syscall(SYS_epoll_ctl, epoll, operation, fd, event);
}
