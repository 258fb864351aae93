/* SPDX-License-Identifier: ISC */
/*
 * Verdicts on their way to the front, in the order in which they were given:
 * those that go out with the next write, and behind them those for which that
 * has no room.
 */
#include <sys/queue.h>

#include <err.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../child/message_take.h"
#include "say.h"

struct place {
	STAILQ_ENTRY(place) link;
	struct verdict	verdict;
	bool		waits;
};

_Static_assert(sizeof(struct place) <= SAY_MEMORY, "as the header says");

STAILQ_HEAD(place_queue, place);

static struct event	*flush_event;
static struct verdict	 batch[VERDICT_BATCH];
static size_t		 owners[VERDICT_BATCH];
static size_t		 nbatch;
static bool		 full;		/* the pipe: it will tell */
static struct place	*places;
static size_t		 own;		/* the place of the parser's words */
static struct place_queue waiting = STAILQ_HEAD_INITIALIZER(waiting);
static void		(*tell)(size_t);
static void		(*lose)(void);
static bool		 unheard;	/* nobody reads that pipe */

static void
batch_add(size_t number, const struct verdict *verdict)
{
	batch[nbatch] = *verdict;
	owners[nbatch++] = number;
}

/* The batch has been written: the next one takes its place. */
static void
batch_said(void)
{
	const size_t	 n = nbatch;
	struct place	*place;
	size_t		 i;

	for (i = 0; i < n; i++) {
		if (owners[i] != own)
			tell(owners[i]);
	}
	nbatch = 0;
	while (nbatch < VERDICT_BATCH &&
	    (place = STAILQ_FIRST(&waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&waiting, link);
		place->waits = false;
		batch_add((size_t)(place - places), &place->verdict);
	}
}

static void
flush(void)
{
	full = false;
	while (nbatch > 0) {
		if (unheard) {
			batch_said();
			continue;
		}
		switch (message_report(CHILD_REPORT, batch,
		    nbatch * sizeof(batch[0]))) {
		case MESSAGE_SAID:
			batch_said();
			break;
		case MESSAGE_FULL:
			full = true;
			return;
		case MESSAGE_UNHEARD:
			unheard = true;
			lose();
			break;
		}
	}
}

static void
flush_due(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	flush();
}

/* What has not been written about this one, or NULL. */
static struct verdict *
unsaid(size_t number)
{
	size_t i;

	for (i = 0; i < nbatch; i++) {
		if (owners[i] == number)
			return &batch[i];
	}
	return places[number].waits ? &places[number].verdict : NULL;
}

static void
wait_behind(size_t number, const struct verdict *verdict)
{
	struct place *place = &places[number];

	place->verdict = *verdict;
	place->waits = true;
	STAILQ_INSERT_TAIL(&waiting, place, link);
}

void
say(size_t number, const struct verdict *verdict)
{
	struct verdict *old = unsaid(number);

	if (old != NULL) {
		*old = *verdict;
		return;
	}
	if (nbatch == VERDICT_BATCH) {
		wait_behind(number, verdict);
		return;
	}
	batch_add(number, verdict);
	/* Verdicts of one turn of the loop go out together: an event made
	 * active now has its turn behind all that are active already. */
	if (nbatch == 1)
		event_active(flush_event, 0, 0);
	if (nbatch == VERDICT_BATCH && !full)
		flush();
}

void
say_own(enum verdict_code code)
{
	struct verdict verdict;

	memset(&verdict, 0, sizeof(verdict));
	verdict.code = (uint8_t)code;
	say(own, &verdict);
}

/*
 * The pipe is watched from the beginning on, so that this cannot fail later;
 * edge-triggered, it wakes nobody but when it was full.
 */
void
say_make(struct event_base *base, size_t n, void (*said)(size_t),
    void (*lost)(void))
{
	struct event *room;

	tell = said;
	lose = lost;
	own = n;
	places = calloc(n + 1, sizeof(*places));
	flush_event = event_new(base, -1, 0, flush_due, NULL);
	room = event_new(base, CHILD_REPORT, EV_WRITE | EV_ET | EV_PERSIST,
	    flush_due, NULL);
	if (places == NULL || flush_event == NULL || room == NULL ||
	    event_add(room, NULL) == -1)
		errx(1, "out of memory");
}
