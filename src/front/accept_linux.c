/* SPDX-License-Identifier: ISC */
/*
 * Linux: EPOLLEXCLUSIVE, epoll_ctl(2).  Of those that wait so, the kernel
 * wakes the one that was added first and sleeps; libevent 2.1 does not know
 * it.  It holds for the epoll descriptor that a process sleeps at and no
 * other: with one that was put inside libevent's, a connection was measured to
 * wake all fronts as before.  So the listener is put into libevent's own,
 * which is looked for: it is the descriptor that watches the listener once
 * libevent was told to.
 *
 * libevent goes on believing that it watches the listener, finds the event by
 * the descriptor in epoll_event.data.fd, and is content when it is to take out
 * a descriptor that is not in there.
 */
#include <sys/epoll.h>

#include <errno.h>
#include <stddef.h>

#include "accept_system.h"

enum {
	FIRST = 3,
	LAST = 1023	/* it was among the first that the front opened */
};

static int	queue = -1;	/* libevent's epoll descriptor */

static int
find(int listener)
{
	int fd;

	for (fd = FIRST; fd <= LAST; fd++) {
		if (epoll_ctl(fd, EPOLL_CTL_DEL, listener, NULL) == 0)
			return fd;
	}
	errno = ENOTSUP;
	return -1;
}

int
accept_watch(struct event *event)
{
	const int listener = event_get_fd(event);

	if (event_add(event, NULL) == -1)
		return -1;
	if (queue == -1)
		queue = find(listener);
	else if (epoll_ctl(queue, EPOLL_CTL_DEL, listener, NULL) == -1)
		return -1;
	return queue == -1 ? -1 : accept_join(event);
}

int
accept_join(struct event *event)
{
	struct epoll_event wanted = { 0 };

	wanted.events = EPOLLIN | EPOLLEXCLUSIVE;
	wanted.data.fd = event_get_fd(event);
	return epoll_ctl(queue, EPOLL_CTL_ADD, wanted.data.fd, &wanted);
}

void
accept_leave(struct event *event)
{
	/* When it was not in there, it is as it should be. */
	(void)epoll_ctl(queue, EPOLL_CTL_DEL, event_get_fd(event), NULL);
}
