/* SPDX-License-Identifier: ISC */
#ifndef USHER_AGELIST_H
#define USHER_AGELIST_H

#include <sys/queue.h>

#include <event2/event.h>
#include <stdint.h>

/*
 * Things that are all due the same time after they were added or touched:
 * a list in order of age and one timer for its head, instead of a timer each.
 */
struct age {
	TAILQ_ENTRY(age) link;
	int64_t		 due;		/* ms of the monotonic clock */
	int		 listed;
};

TAILQ_HEAD(age_head, age);

struct agelist {
	struct age_head	 head;
	struct event	*timer;
	int64_t		 limit;		/* ms */
	void		(*expired)(struct age *);	/* already removed */
};

/* Exits 1 when there is no memory. */
void	agelist_init(struct agelist *list, struct event_base *base,
	    int64_t limit, void (*expired)(struct age *));
/* Adds age as the youngest; when it is listed already, moves it there. */
void	agelist_touch(struct agelist *list, struct age *age);
/* Takes age out; nothing happens when it is not listed. */
void	agelist_remove(struct agelist *list, struct age *age);

/* ms of the monotonic clock */
int64_t	agelist_now(void);

#endif
