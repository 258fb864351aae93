/* SPDX-License-Identifier: ISC */
#ifndef USHER_OUTBOX_H
#define USHER_OUTBOX_H

#include <sys/queue.h>

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Records on their way out over a pipe, those of one turn of the loop together.
 * Nothing blocks and nothing grows: what has not been written is no more than
 * a place in a list, which lies in the record of the connection that it is
 * about, and is filled in when it is written.
 */
struct outgoing {
	TAILQ_ENTRY(outgoing) link;
	bool		listed;		/* it has not been written */
};

TAILQ_HEAD(outgoing_list, outgoing);

enum { OUTBOX_BYTES = 4096 };	/* PIPE_BUF: are written whole or not at all */

struct outbox {
	int		fd;		/* the pipe, non-blocking */
	size_t		size;		/* bytes of a record */
	/* Writes the record of this one, of which all bytes are 0. */
	void		(*fill)(const struct outgoing *, void *record);
	/* It has been written; or nobody reads any more. */
	void		(*left)(struct outgoing *);
	/* Once: nobody reads any more. */
	void		(*unheard)(void);

	/* The rest is outbox.c's. */
	struct event	*flush;
	struct outgoing_list list;
	bool		full;		/* the pipe: it will tell */
	bool		muted;
};

/* With all fields above the rest set.  Exits 1 without memory. */
void	outbox_make(struct outbox *outbox, struct event_base *base);
/* It is to be written, behind what was put there before; if it is there, it
 * stays where it is.  left() is not called from here. */
void	outbox_put(struct outbox *outbox, struct outgoing *outgoing);
/* It is not to be written after all: left() is not called. */
void	outbox_drop(struct outbox *outbox, struct outgoing *outgoing);
/* From now on nothing is written, what is there neither. */
void	outbox_mute(struct outbox *outbox);

#endif
