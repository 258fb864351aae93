/* SPDX-License-Identifier: ISC */
#include <err.h>
#include <string.h>

#include "message_take.h"
#include "outbox.h"

/* Fills the records from the list.  Gives how many there are. */
static size_t
gather(const struct outbox *outbox, unsigned char records[OUTBOX_BYTES])
{
	const struct outgoing	*outgoing;
	size_t			 n = 0;

	TAILQ_FOREACH(outgoing, &outbox->list, link) {
		if ((n + 1) * outbox->size > OUTBOX_BYTES)
			break;
		memset(records + n * outbox->size, 0, outbox->size);
		outbox->fill(outgoing, records + n * outbox->size);
		n++;
	}
	return n;
}

/* The first n of the list have left. */
static void
leave(struct outbox *outbox, size_t n)
{
	struct outgoing *outgoing;

	while (n-- > 0) {
		outgoing = TAILQ_FIRST(&outbox->list);
		outbox_drop(outbox, outgoing);
		outbox->left(outgoing);
	}
}

static void
flush(evutil_socket_t fd, short what, void *arg)
{
	unsigned char	 records[OUTBOX_BYTES]
			    __attribute__((aligned(sizeof(uint64_t))));
	struct outbox	*outbox = arg;
	size_t		 n;

	(void)fd;
	(void)what;
	outbox->full = false;
	while ((n = gather(outbox, records)) > 0) {
		if (outbox->muted) {
			leave(outbox, n);
			continue;
		}
		switch (message_report(outbox->fd, records,
		    n * outbox->size)) {
		case MESSAGE_SAID:
			leave(outbox, n);
			break;
		case MESSAGE_FULL:
			outbox->full = true;
			return;
		case MESSAGE_UNHEARD:
			outbox->muted = true;
			outbox->unheard();
			break;
		}
	}
}

void
outbox_put(struct outbox *outbox, struct outgoing *outgoing)
{
	if (outgoing->listed)
		return;
	outgoing->listed = true;
	TAILQ_INSERT_TAIL(&outbox->list, outgoing, link);
	/* An event made active now has its turn behind all that are active
	 * already. */
	if (!outbox->full)
		event_active(outbox->flush, 0, 0);
}

void
outbox_drop(struct outbox *outbox, struct outgoing *outgoing)
{
	if (!outgoing->listed)
		return;
	TAILQ_REMOVE(&outbox->list, outgoing, link);
	outgoing->listed = false;
}

void
outbox_mute(struct outbox *outbox)
{
	outbox->muted = true;
	event_active(outbox->flush, 0, 0);
}

/*
 * The pipe is watched from the beginning on, so that this cannot fail later;
 * edge-triggered, it wakes nobody but when it was full.
 */
void
outbox_make(struct outbox *outbox, struct event_base *base)
{
	struct event *room;

	TAILQ_INIT(&outbox->list);
	outbox->full = outbox->muted = false;
	outbox->flush = event_new(base, -1, 0, flush, outbox);
	room = event_new(base, outbox->fd, EV_WRITE | EV_ET | EV_PERSIST,
	    flush, outbox);
	if (outbox->flush == NULL || room == NULL ||
	    event_add(room, NULL) == -1)
		errx(1, "out of memory");
}
