/* SPDX-License-Identifier: ISC */
/*
 * Grants on their way to the relay, in the order in which the first of each
 * record was given.
 */
#include <err.h>
#include <string.h>

#include "../child/message_take.h"
#include "grants.h"

TAILQ_HEAD(place_queue, grant_place);

_Static_assert(sizeof(struct grant) * GRANT_BATCH <= 4096,
    "a batch of grants is written whole");

static struct event	*flush_event;
static struct place_queue unsaid = TAILQ_HEAD_INITIALIZER(unsaid);
static bool		 full;		/* the pipe: it will tell */
static bool		 unheard;	/* nobody reads it */
static void		(*tell)(struct grant_place *);
static void		(*lose)(void);

/* The first n of the list have been written. */
static void
said(size_t n)
{
	struct grant_place *place;

	while (n-- > 0) {
		place = TAILQ_FIRST(&unsaid);
		TAILQ_REMOVE(&unsaid, place, link);
		place->unsaid = false;
		tell(place);
	}
}

/* Fills the batch from the list.  Gives how many there are in it. */
static size_t
collect(struct grant *batch)
{
	struct grant_place	*place;
	size_t			 n = 0;

	TAILQ_FOREACH(place, &unsaid, link) {
		if (n == GRANT_BATCH)
			break;
		batch[n++] = place->grant;
	}
	return n;
}

static void
flush(void)
{
	static struct grant	batch[GRANT_BATCH];
	size_t			n;

	full = false;
	while ((n = collect(batch)) > 0) {
		if (unheard) {
			said(n);
			continue;
		}
		switch (message_report(CHILD_GRANT, batch,
		    n * sizeof(batch[0]))) {
		case MESSAGE_SAID:
			said(n);
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

void
grants_begin(struct grant_place *place, uint32_t id)
{
	memset(place, 0, sizeof(*place));
	place->grant.id = id;
}

static void
record_begin(struct grant_place *place)
{
	const uint32_t id = place->grant.id;
	const uint32_t serial = place->grant.serial;

	memset(&place->grant, 0, sizeof(place->grant));
	place->grant.id = id;
	place->grant.serial = serial + 1;
	place->unsaid = true;
	/* Those of one turn of the loop go out together: an event made active
	 * now has its turn behind all that are active already. */
	if (TAILQ_EMPTY(&unsaid))
		event_active(flush_event, 0, 0);
	TAILQ_INSERT_TAIL(&unsaid, place, link);
}

static uint64_t
added(uint64_t before, uint64_t more)
{
	return more > GRANTS_MOST - before ? GRANTS_MOST : before + more;
}

uint32_t
grants_say(struct grant_place *place, uint32_t backend, uint64_t up,
    uint64_t down, unsigned int flags)
{
	struct grant *grant = &place->grant;

	if (!place->unsaid)
		record_begin(place);
	if (down > 0 && (flags & GRANT_OPEN) == 0)
		grant->flags &= ~(uint32_t)GRANT_OPEN;
	grant->backend = backend;
	grant->up = added(grant->up, up);
	grant->down = added(grant->down, down);
	grant->flags |= flags;
	return grant->serial;
}

uint64_t
grants_stop(struct grant_place *place, uint32_t backend, uint32_t *serial)
{
	uint64_t unsaid_up = 0;

	if (place->unsaid) {
		unsaid_up = place->grant.up;
		place->grant.up = 0;
		/* What else may be said beside it, message.h. */
		place->grant.flags &= GRANT_TELL_UP | GRANT_AWAY;
	}
	*serial = grants_say(place, backend, 0, 0, GRANT_STOP);
	return unsaid_up;
}

void
grants_forget(struct grant_place *place)
{
	if (!place->unsaid)
		return;
	TAILQ_REMOVE(&unsaid, place, link);
	place->unsaid = false;
}

/*
 * The pipe is watched from the beginning on, so that this cannot fail later;
 * edge-triggered, it wakes nobody but when it was full.
 */
void
grants_make(struct event_base *base, void (*on_said)(struct grant_place *),
    void (*on_lost)(void))
{
	struct event *room;

	tell = on_said;
	lose = on_lost;
	flush_event = event_new(base, -1, 0, flush_due, NULL);
	room = event_new(base, CHILD_GRANT, EV_WRITE | EV_ET | EV_PERSIST,
	    flush_due, NULL);
	if (flush_event == NULL || room == NULL ||
	    event_add(room, NULL) == -1)
		errx(1, "out of memory");
}
