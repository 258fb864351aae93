/* SPDX-License-Identifier: ISC */
/*
 * Progress on its way to usherd-http.
 */
#include <err.h>
#include <stddef.h>
#include <string.h>

#include "../child/message_take.h"
#include "told.h"

TAILQ_HEAD(untold_list, untold);

static struct event	*flush_event;	/* NULL: there is no usherd-http */
static struct untold_list list = TAILQ_HEAD_INITIALIZER(list);
static bool		 full;		/* the pipe: it will tell */
static bool		 muted = true;
static void		(*tell_fill)(const struct untold *,
			    struct progress *);
static void		(*tell_said)(struct untold *);

_Static_assert(PROGRESS_BATCH * sizeof(struct progress) <= 4096,
    "a batch of progress is written whole");

static void
unlist(struct untold *untold)
{
	TAILQ_REMOVE(&list, untold, link);
	untold->listed = false;
	tell_said(untold);
}

void
told_mute(void)
{
	muted = true;
	while (!TAILQ_EMPTY(&list))
		unlist(TAILQ_FIRST(&list));
}

/* The next records; gives how many. */
static size_t
gather(struct progress records[PROGRESS_BATCH])
{
	const struct untold	*untold;
	size_t			 n = 0;

	TAILQ_FOREACH(untold, &list, link) {
		if (n == PROGRESS_BATCH)
			break;
		memset(&records[n], 0, sizeof(records[n]));
		tell_fill(untold, &records[n++]);
	}
	return n;
}

static void
flush(evutil_socket_t fd, short what, void *arg)
{
	struct progress	records[PROGRESS_BATCH];
	size_t		n;

	(void)fd;
	(void)what;
	(void)arg;
	full = false;
	while ((n = gather(records)) > 0) {
		switch (message_report(CHILD_PROGRESS, records,
		    n * sizeof(records[0]))) {
		case MESSAGE_SAID:
			while (n-- > 0)
				unlist(TAILQ_FIRST(&list));
			break;
		case MESSAGE_FULL:
			full = true;
			return;
		case MESSAGE_UNHEARD:
			told_mute();
			return;
		}
	}
}

void
told_progress(struct untold *untold)
{
	if (muted || untold->listed)
		return;
	untold->listed = true;
	TAILQ_INSERT_TAIL(&list, untold, link);
	if (!full)
		event_active(flush_event, 0, 0);
}

/*
 * The pipe is watched from the beginning on, so that this cannot fail later;
 * edge-triggered, it wakes nobody but when it was full.
 */
void
told_make(struct event_base *base,
    void (*fill)(const struct untold *, struct progress *),
    void (*said)(struct untold *))
{
	struct event *room;

	tell_fill = fill;
	tell_said = said;
	flush_event = event_new(base, -1, 0, flush, NULL);
	room = event_new(base, CHILD_PROGRESS, EV_WRITE | EV_ET | EV_PERSIST,
	    flush, NULL);
	if (flush_event == NULL || room == NULL ||
	    event_add(room, NULL) == -1)
		errx(1, "out of memory");
	muted = false;
}
