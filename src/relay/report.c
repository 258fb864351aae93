/* SPDX-License-Identifier: ISC */
/*
 * Reports on their way to the front.
 */
#include <err.h>
#include <stddef.h>

#include "../child/message_take.h"
#include "report.h"

TAILQ_HEAD(unsaid_list, unsaid);

enum {
	KINDS_MAX = 3	/* reports about one connection in one batch */
};

static struct event	*flush_event;
static struct unsaid_list list = TAILQ_HEAD_INITIALIZER(list);
static struct unsaid	 own;		/* READY, PONG */
static uint32_t		 ended;		/* connections, beside those in list */
static bool		 full;		/* the pipe: it will tell */
static bool		 muted;
static void		(*tell_said)(struct unsaid *);
static void		(*tell_gone)(void);

struct batch {
	struct report	 reports[REPORT_BATCH];
	size_t		 n;
	struct unsaid	*end;		/* the first that is not in it */
};

static void
batch_add(struct batch *batch, enum report_kind kind, uint32_t value)
{
	batch->reports[batch->n].kind = kind;
	batch->reports[batch->n++].value = value;
}

static void
batch_add_all(struct batch *batch, const struct unsaid *unsaid)
{
	unsigned int kind;

	for (kind = REPORT_READY; kind <= REPORT_LEFT; kind++) {
		if ((unsaid->kinds & 1U << kind) != 0)
			batch_add(batch, (enum report_kind)kind, unsaid->id);
	}
}

/*
 * The next reports.  An end is counted in the batch that says what there was
 * to be said about that connection: the front may give us another for it.
 */
static void
batch_gather(struct batch *batch)
{
	uint32_t over = ended;

	batch->n = 0;
	for (batch->end = TAILQ_FIRST(&list); batch->end != NULL;
	    batch->end = TAILQ_NEXT(batch->end, link)) {
		if (batch->n + KINDS_MAX > REPORT_BATCH - 1)
			break;
		batch_add_all(batch, batch->end);
		over += batch->end->over;
	}
	if (over > 0)
		batch_add(batch, REPORT_ENDED, over);
}

static void
unlist(struct unsaid *unsaid)
{
	TAILQ_REMOVE(&list, unsaid, link);
	unsaid->kinds = 0;
	if (unsaid->over)
		tell_said(unsaid);
}

static void
batch_said(const struct batch *batch)
{
	ended = 0;
	while (TAILQ_FIRST(&list) != batch->end)
		unlist(TAILQ_FIRST(&list));
}

static void
flush(evutil_socket_t fd, short what, void *arg)
{
	struct batch batch;

	(void)fd;
	(void)what;
	(void)arg;
	full = false;
	for (;;) {
		batch_gather(&batch);
		if (batch.n == 0)
			return;
		switch (message_report(CHILD_REPORT, batch.reports,
		    batch.n * sizeof(batch.reports[0]))) {
		case MESSAGE_SAID:
			batch_said(&batch);
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
flush_later(void)
{
	if (!full)
		event_active(flush_event, 0, 0);
}

void
report(struct unsaid *unsaid, enum report_kind kind, uint32_t id)
{
	if (muted)
		return;
	if (unsaid->kinds == 0)
		TAILQ_INSERT_TAIL(&list, unsaid, link);
	unsaid->kinds |= (uint8_t)(1U << kind);
	unsaid->id = id;
	flush_later();
}

void
report_own(enum report_kind kind)
{
	report(&own, kind, 0);
}

void
report_forget(struct unsaid *unsaid)
{
	if (unsaid->kinds != 0)
		unlist(unsaid);
}

bool
report_ended(struct unsaid *unsaid)
{
	if (muted)
		return true;
	if (unsaid->kinds != 0) {
		unsaid->over = true;
		return false;
	}
	if (ended++ == 0)
		flush_later();
	return true;
}

void
report_mute(void)
{
	muted = true;
	ended = 0;
	while (!TAILQ_EMPTY(&list))
		unlist(TAILQ_FIRST(&list));
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
