/* SPDX-License-Identifier: ISC */
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <poll.h>
#include <unistd.h>

#include "side.h"

static struct event_base *base;
static void		(*tell_news)(struct side *);

void
side_begin(struct side *side, int fd)
{
	side->fd = fd;
	side->watched = 0;
	side->readable = side->writable = true;
	side->closed = side->bounded = false;
}

void
side_close(struct side *side, bool copies)
{
	if (side->fd == -1)
		return;
	/* Before the close, or stale events arrive for a reused number. */
	if (side->watched != 0)
		(void)event_del(&side->event);
	/* One that is broken already needs no end. */
	if (copies)
		(void)shutdown(side->fd, SHUT_RDWR);
	(void)close(side->fd);	/* what was to be sent is in the kernel */
	side->fd = -1;
	side->watched = 0;
}

static void
ready(evutil_socket_t fd, short what, void *arg)
{
	struct side *side = arg;

	(void)fd;
	side->readable |= (what & EV_READ) != 0;
	side->writable |= (what & EV_WRITE) != 0;
	side->closed |= (what & EV_CLOSED) != 0;
	tell_news(side);
}

/* Edge-triggered, so that a side that has ended cannot spin. */
int
side_want(struct side *side, short what)
{
	if ((what & ~side->watched) == 0)
		return 0;
	if (side->watched != 0)
		(void)event_del(&side->event);
	side->watched |= what;
	if (event_assign(&side->event, base, side->fd,
	    (short)(side->watched | EV_ET | EV_PERSIST), ready, side) == 0 &&
	    event_add(&side->event, NULL) == 0)
		return 0;
	side->watched = 0;
	return -1;
}

bool
side_gone(const struct side *side)
{
	struct pollfd it = { side->fd, 0, 0 };

	return poll(&it, 1, 0) == 1;	/* POLLHUP or POLLERR */
}

bool
side_broken(const struct side *side)
{
	struct pollfd it = { side->fd, 0, 0 };

	return poll(&it, 1, 0) == 1 && (it.revents & POLLERR) != 0;
}

bool
side_unread(const struct side *side, uint64_t granted)
{
	int unread;

	return ioctl(side->fd, FIONREAD, &unread) == 0 && unread > 0 &&
	    (uint64_t)unread > granted;
}

void
sides_make(struct event_base *loop, void (*news)(struct side *))
{
	base = loop;
	tell_news = news;
}
