/* SPDX-License-Identifier: ISC */
#include <err.h>
#include <time.h>
#include <unistd.h>

#include "timeouts.h"

int64_t
timeouts_now(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) == -1)
		_exit(1);	/* it is there on every system */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
arm(struct timeouts *list)
{
	struct timeval	 wait;
	int64_t		 ms;

	if (TAILQ_EMPTY(&list->head))
		return;
	ms = TAILQ_FIRST(&list->head)->due - timeouts_now();
	if (ms < 1)
		ms = 1;
	wait.tv_sec = ms / 1000;
	wait.tv_usec = ms % 1000 * 1000;
	if (evtimer_add(list->timer, &wait) == -1)
		_exit(1);	/* a filter lets nobody say why */
}

static void
expire(evutil_socket_t fd, short what, void *arg)
{
	struct timeouts	*list = arg;
	struct timeout	*age;
	int64_t		 now = timeouts_now();

	(void)fd;
	(void)what;
	while ((age = TAILQ_FIRST(&list->head)) != NULL && age->due <= now) {
		timeouts_remove(list, age);
		list->expired(age);
	}
	arm(list);
}

void
timeouts_init(struct timeouts *list, struct event_base *base, int64_t limit,
    void (*expired)(struct timeout *))
{
	TAILQ_INIT(&list->head);
	list->limit = limit;
	list->expired = expired;
	list->timer = evtimer_new(base, expire, list);
	if (list->timer == NULL)
		errx(1, "timer: out of memory");
}

/*
 * The timer is left alone when the head goes or moves: it fires early once
 * and is armed anew for the head that is there then.
 */
void
timeouts_touch(struct timeouts *list, struct timeout *age)
{
	timeouts_remove(list, age);
	age->due = timeouts_now() + list->limit;
	age->listed = 1;
	TAILQ_INSERT_TAIL(&list->head, age, link);
	if (!evtimer_pending(list->timer, NULL))
		arm(list);
}

void
timeouts_remove(struct timeouts *list, struct timeout *age)
{
	if (!age->listed)
		return;
	TAILQ_REMOVE(&list->head, age, link);
	age->listed = 0;
}
