/* SPDX-License-Identifier: ISC */
/*
 * Sockets that are looked at in turns.
 */
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "peek.h"

enum {
	LOOKS_FREE = 8,		/* looks before one must rest, */
	LOOKS_WATCHED = 3,	/* and before its bytes wake us no more */
	REST_MS = 20,		/* bounds the looks of one that drips bytes: a
				 * message rests longer each time, */
	RESTS_MAX = 32,		/* up to so many times */
	SHORT_REST_MS = 4,	/* a stream's first rests, where a tenant */
	SHORT_RESTS = 16,	/* writes a page in many small pieces */
	LITTLE = 512,		/* bytes of a stream that are worth a look */
	LOOKS_PER_TURN = 8,	/* then the front may say something, */
	TURN_MS = 5		/* or sooner: the kernel takes up to 30 ms to
				 * show what came in segments of a few bytes */
};

static struct event_base *loop;
static struct event	*turn_event;
/* Those that are looked at for the first time, and the others. */
static struct peek_queue firsts = TAILQ_HEAD_INITIALIZER(firsts);
static struct peek_queue agains = TAILQ_HEAD_INITIALIZER(agains);
static bool		 agains_due;	/* the last turn had none of these */
static bool		 in_turn;
static struct timeouts	 rests, short_rests;
static uint8_t		*window;
static size_t		 used;		/* bytes of it */

/* Out of the queue or the list that it is in. */
static void
unplace(struct peek *peek)
{
	if (peek->queue != NULL)
		TAILQ_REMOVE(peek->queue, peek, turn);
	peek->queue = NULL;
	if (peek->resting != NULL)
		timeouts_remove(peek->resting, &peek->rest);
	peek->resting = NULL;
}

static void
rest_begin(struct peek *peek, struct timeouts *list, unsigned int n)
{
	peek->state = PEEK_RESTING;
	peek->rests = n;
	peek->resting = list;
	timeouts_touch(list, &peek->rest);
}

/* Each rest of a message is longer than the last: its deadline bounds their
 * number. */
static void
rest(struct peek *peek)
{
	const unsigned int over = peek->looks - LOOKS_FREE;

	peek_unwatch(peek);
	if (peek->kind == PEEK_STREAM && over <= SHORT_RESTS)
		rest_begin(peek, &short_rests, 1);
	else if (peek->kind == PEEK_STREAM)
		rest_begin(peek, &rests, 1);
	else
		rest_begin(peek, &rests, over < RESTS_MAX ? over : RESTS_MAX);
}

static void
rested(struct timeout *age)
{
	struct peek *peek;

	peek = (void *)((char *)age - offsetof(struct peek, rest));
	if (--peek->rests > 0) {
		timeouts_touch(peek->resting, &peek->rest);
		return;
	}
	peek_soon(peek);
}

static void
ready(evutil_socket_t fd, short what, void *arg)
{
	struct peek	*peek = arg;

	(void)fd;
	peek->news = true;
	peek->ended |= (what & EV_CLOSED) != 0;
	/* A reset comes as bytes do: only a look tells. */
	if (peek->state == PEEK_WAITING || peek->state == PEEK_ASIDE)
		peek_soon(peek);
}

void
peek_begin(struct peek *peek, int fd, void (*look)(struct peek *))
{
	memset(peek, 0, sizeof(*peek));
	peek->fd = fd;
	peek->look = look;
	peek->news = true;
	peek->state = PEEK_ASIDE;
	/* Edge-triggered: level-triggered would spin on unread bytes. */
	if (event_assign(&peek->event, loop, fd,
	    EV_READ | EV_CLOSED | EV_ET | EV_PERSIST, ready, peek) == -1)
		_exit(1);	/* only for what is no event */
}

void
peek_end(struct peek *peek)
{
	if (peek->state == PEEK_CLOSED)
		return;
	unplace(peek);
	peek_unwatch(peek);		/* before the close */
	(void)close(peek->fd);		/* a copy; nothing is lost */
	peek->fd = -1;
	peek->state = PEEK_CLOSED;
}

void
peek_reads(struct peek *peek, enum peek_kind kind)
{
	peek->kind = kind;
	peek->looks = 0;
}

void
peek_goes_on(struct peek *peek, enum peek_kind kind, uint64_t passed)
{
	peek->kind = kind;
	if (passed >= LITTLE)
		peek->looks = 0;
	/* What comes while that moves is looked at then: it wakes nobody. */
	if (peek->looks > LOOKS_WATCHED)
		peek_unwatch(peek);
}

/* A stream is forgiven one look for each rest that has passed without one. */
static void
forgive(struct peek *peek)
{
	const int64_t now = timeouts_now();
	const int64_t passed = (now - peek->seen) / REST_MS;

	if (passed >= (int64_t)peek->looks)
		peek->looks = 0;
	else
		peek->looks -= (unsigned int)passed;
	peek->seen = now;
}

enum peek_seen
peek_see(struct peek *peek, size_t max, size_t *n)
{
	ssize_t got;

	if (peek->kind == PEEK_STREAM)
		forgive(peek);
	do {
		got = recv(peek->fd, window, max, MSG_PEEK | MSG_DONTWAIT);
	} while (got == -1 && errno == EINTR);
	*n = got > 0 ? (size_t)got : 0;
	used = *n;
	if (peek->kind == PEEK_MESSAGE || got > 0)
		peek->looks++;
	peek->news = got == 0 || *n == max;
	if (got > 0)
		return PEEK_BYTES;
	if (got == 0)
		return PEEK_END;
	return errno == EAGAIN ? PEEK_NOTHING : PEEK_BROKEN;
}

const uint8_t *
peek_bytes(void)
{
	return window;
}

void
peek_forget(void)
{
	explicit_bzero(window, used);
	used = 0;
}

void
peek_soon(struct peek *peek)
{
	if (peek->state == PEEK_DUE)
		return;
	unplace(peek);
	peek->state = PEEK_DUE;
	peek->queue = peek->looks == 0 ? &firsts : &agains;
	TAILQ_INSERT_TAIL(peek->queue, peek, turn);
	/* Activated in a turn, it would be called again before the loop has
	 * looked for anything else. */
	if (!in_turn)
		event_active(turn_event, 0, 0);
}

int
peek_wait(struct peek *peek)
{
	unplace(peek);
	if (peek->looks > LOOKS_FREE) {
		rest(peek);
		return 0;
	}
	peek->state = PEEK_WAITING;
	return peek_watch(peek);
}

int
peek_resume(struct peek *peek)
{
	const bool nothing = peek->watched && !peek->news && !peek->ended;

	if (nothing || peek->looks > LOOKS_FREE)
		return peek_wait(peek);
	peek_soon(peek);
	return 0;
}

void
peek_aside(struct peek *peek)
{
	if (peek->state == PEEK_CLOSED)
		return;
	unplace(peek);
	peek->state = PEEK_ASIDE;
}

int
peek_watch(struct peek *peek)
{
	if (peek->watched)
		return 0;
	if (event_add(&peek->event, NULL) == -1)
		return -1;
	peek->watched = true;
	return 0;
}

void
peek_unwatch(struct peek *peek)
{
	if (!peek->watched)
		return;
	(void)event_del(&peek->event);	/* of one that was added */
	peek->watched = false;
	peek->news = true;
}

/* Whose turn it is.  Of each kind there is one in two turns at least. */
static struct peek *
next(void)
{
	struct peek *peek = TAILQ_FIRST(&firsts);

	if (peek == NULL || (agains_due && !TAILQ_EMPTY(&agains)))
		peek = TAILQ_FIRST(&agains);
	if (peek != NULL && peek->queue == &agains)
		agains_due = false;
	return peek;
}

static void
take_turns(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval	 at_once = { 0, 0 };
	const int64_t			 end = timeouts_now() + TURN_MS;
	const bool			 due = agains_due;
	struct peek			*peek;
	int				 looks;

	(void)fd;
	(void)what;
	(void)arg;
	in_turn = true;
	for (looks = 0; looks < LOOKS_PER_TURN; looks++) {
		peek = next();
		if (peek == NULL)
			break;
		peek_aside(peek);
		peek->look(peek);
		if (timeouts_now() >= end)
			break;
	}
	in_turn = false;
	agains_due = !due;
	/* A timer has its turn behind what the loop finds ready. */
	if (!TAILQ_EMPTY(&firsts) || !TAILQ_EMPTY(&agains))
		(void)evtimer_add(turn_event, &at_once);
}

void
peeks_make(struct event_base *base, size_t n)
{
	loop = base;
	window = calloc(1, n);
	turn_event = evtimer_new(base, take_turns, NULL);
	if (window == NULL || turn_event == NULL)
		errx(1, "out of memory");
	timeouts_init(&rests, base, REST_MS, rested);
	timeouts_init(&short_rests, base, SHORT_REST_MS, rested);
}
