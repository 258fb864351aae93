/* SPDX-License-Identifier: ISC */
#ifndef USHER_TIMEOUTS_H
#define USHER_TIMEOUTS_H

#include <sys/queue.h>

#include <event2/event.h>
#include <stdint.h>

/*
 * Things that are all due the same time after they were added or touched:
 * a list in order of age and one timer for its head, instead of a timer each.
 */
struct timeout {
	TAILQ_ENTRY(timeout) link;
	int64_t		 due;		/* ms of the monotonic clock */
	int		 listed;
};

TAILQ_HEAD(timeout_head, timeout);

struct timeouts {
	struct timeout_head	 head;
	struct event	*timer;
	int64_t		 limit;		/* ms */
	void		(*expired)(struct timeout *);	/* already removed */
};

/* Exits 1 when there is no memory. */
void	timeouts_init(struct timeouts *list, struct event_base *base,
	    int64_t limit, void (*expired)(struct timeout *));
/* Adds age as the youngest; when it is listed already, moves it there. */
void	timeouts_touch(struct timeouts *list, struct timeout *age);
/* Takes age out; nothing happens when it is not listed. */
void	timeouts_remove(struct timeouts *list, struct timeout *age);

/* ms of the monotonic clock */
int64_t	timeouts_now(void);

#endif
