/* SPDX-License-Identifier: ISC */
/*
 * Reports on their way to the front.
 */
#include <err.h>
#include <stddef.h>

#include "../child/message_take.h"
#include "report.h"

enum { REPORT_KINDS = REPORT_BREACH + 1 };

TAILQ_HEAD(unsaid_list, unsaid);

static struct event	*flush_event;
static struct unsaid_list list = TAILQ_HEAD_INITIALIZER(list);
static struct unsaid	 own[REPORT_KINDS];	/* what is about no connection */
static bool		 full;		/* the pipe: it will tell */
static bool		 muted;
static void		(*tell_said)(struct unsaid *);
static void		(*tell_gone)(void);

_Static_assert(REPORT_BATCH * sizeof(struct report) <= 4096,
    "a batch of reports is written whole");

static void
unlist(struct unsaid *unsaid)
{
	TAILQ_REMOVE(&list, unsaid, link);
	unsaid->listed = false;
	if (unsaid->report.kind == REPORT_ENDED)
		tell_said(unsaid);
}

void
report_mute(void)
{
	muted = true;
	while (!TAILQ_EMPTY(&list))
		unlist(TAILQ_FIRST(&list));
}

/* The next reports; gives how many. */
static size_t
gather(struct report reports[REPORT_BATCH])
{
	const struct unsaid	*unsaid;
	size_t			 n = 0;

	TAILQ_FOREACH(unsaid, &list, link) {
		if (n == REPORT_BATCH)
			break;
		reports[n++] = unsaid->report;
	}
	return n;
}

static void
flush(evutil_socket_t fd, short what, void *arg)
{
	struct report	reports[REPORT_BATCH];
	size_t		n;

	(void)fd;
	(void)what;
	(void)arg;
	full = false;
	while ((n = gather(reports)) > 0) {
		switch (message_report(CHILD_REPORT, reports,
		    n * sizeof(reports[0]))) {
		case MESSAGE_SAID:
			while (n-- > 0)
				unlist(TAILQ_FIRST(&list));
			break;
		case MESSAGE_FULL:
			full = true;
			return;
		case MESSAGE_UNHEARD:
			report_mute();
			tell_gone();
			return;
		}
	}
}

/* The reports of one turn of the loop go out together. */
static void
enlist(struct unsaid *unsaid)
{
	if (unsaid->listed)
		return;
	unsaid->listed = true;
	TAILQ_INSERT_TAIL(&list, unsaid, link);
	if (!full)
		event_active(flush_event, 0, 0);
}

void
report_own(enum report_kind kind)
{
	own[kind].report.kind = (uint8_t)kind;
	if (!muted)
		enlist(&own[kind]);
}

void
report_ended(struct unsaid *unsaid)
{
	unsaid->report.kind = REPORT_ENDED;
	if (muted)
		tell_said(unsaid);
	else
		enlist(unsaid);
}

/*
 * The pipe is watched from the beginning on, so that this cannot fail later;
 * edge-triggered, it wakes nobody but when it was full.
 */
void
report_make(struct event_base *base, void (*said)(struct unsaid *),
    void (*gone)(void))
{
	struct event *room;

	tell_said = said;
	tell_gone = gone;
	flush_event = event_new(base, -1, 0, flush, NULL);
	room = event_new(base, CHILD_REPORT, EV_WRITE | EV_ET | EV_PERSIST,
	    flush, NULL);
	if (flush_event == NULL || room == NULL ||
	    event_add(room, NULL) == -1)
		errx(1, "out of memory");
}
