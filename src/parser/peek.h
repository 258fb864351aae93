/* SPDX-License-Identifier: ISC */
#ifndef USHER_PEEK_H
#define USHER_PEEK_H

#include <sys/queue.h>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../common/timeouts.h"

/*
 * A socket whose bytes are looked at and never taken, in turns: however many
 * are ready at once, and whatever a look costs, the loop is back soon.  One
 * that comes with all that it has to say does not wait behind those that say
 * little each time, and these rest between two looks.
 */
enum peek_state {
	PEEK_CLOSED,		/* there is no socket */
	PEEK_ASIDE,		/* nobody wants to look: what comes is noted */
	PEEK_WAITING,		/* looked at as soon as something comes */
	PEEK_RESTING,		/* looked at after its rest */
	PEEK_DUE		/* looked at when its turn comes */
};

/* What is read there, for how long it must rest. */
enum peek_kind {
	PEEK_MESSAGE,		/* is seen whole: each look is at all of it
				 * again, and each rest is longer */
	PEEK_STREAM		/* each look is at what is new: those rest whose
				 * looks bring little, in quick succession */
};

struct peek;
TAILQ_HEAD(peek_queue, peek);

struct peek {
	struct event	  event;
	struct timeout	  rest;
	struct timeouts	 *resting;	/* the list that rest is in */
	TAILQ_ENTRY(peek) turn;
	struct peek_queue *queue;	/* PEEK_DUE: where */
	void		(*look)(struct peek *);
	int64_t		  seen;		/* ms: when it was looked at last */
	int		  fd;
	unsigned int	  looks;	/* that brought nothing, or little */
	unsigned int	  rests;	/* to sit out */
	enum peek_state	  state;
	enum peek_kind	  kind;
	bool		  watched;
	bool		  news;		/* there may be bytes that nobody has
					 * looked at */
	bool		  ended;	/* the other side says no more */
};

/* Lists for rests and turns, and a window of n bytes; exits 1 without
 * memory. */
void	peeks_make(struct event_base *base, size_t n);

/*
 * fd is the peek's from now on.  look is called when its turn comes; in
 * PEEK_ASIDE, too, when something has come or the other side has ended.  It
 * begins as PEEK_ASIDE, with news, and not watched.
 */
void	peek_begin(struct peek *peek, int fd, void (*look)(struct peek *));
/* Closes it; nothing happens to one that is closed. */
void	peek_end(struct peek *peek);

/* Something begins that is read as that. */
void	peek_reads(struct peek *peek, enum peek_kind kind);
/* The same goes on, read as that from now on, and so many bytes may pass. */
void	peek_goes_on(struct peek *peek, enum peek_kind kind, uint64_t passed);

enum peek_seen {
	PEEK_BYTES,		/* *n, 1 or more, are in the window */
	PEEK_NOTHING,		/* there is nothing now */
	PEEK_END,		/* the other side has ended, before a byte */
	PEEK_BROKEN		/* it broke the connection off */
};

/* Looks at up to max bytes, which is not above the window's size. */
enum peek_seen peek_see(struct peek *peek, size_t max, size_t *n);
/* The window. */
const uint8_t *peek_bytes(void);
/* The next one's parser must find nothing of this one. */
void	peek_forget(void);

/* It is looked at when those have been that waited before. */
void	peek_soon(struct peek *peek);
/*
 * Something new must come, and the last look has seen all that was there; or
 * it rests, when it has been looked at too often.  Gives 0, or -1 without
 * memory.
 */
int	peek_wait(struct peek *peek);
/* The same where nothing new may be there, else it is looked at, if it has not
 * to rest. */
int	peek_resume(struct peek *peek);
/* Nobody wants to look any more. */
void	peek_aside(struct peek *peek);

/* Gives 0, or -1 without memory.  What is there already is news. */
int	peek_watch(struct peek *peek);
/* What comes does not even wake us. */
void	peek_unwatch(struct peek *peek);

#endif
