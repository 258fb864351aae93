/* SPDX-License-Identifier: ISC */
#include <err.h>

#include "turns.h"

enum {
	ROUND_TURNS = 16,
	ROUND_BYTES = 4 * TURN_QUANTUM,
	LATER_MS = 50
};

enum {
	NONE,
	FRESH,
	BULK,
	LATER,		/* until there may be a pipe */
	LISTS
};

TAILQ_HEAD(turn_list, turn);

static struct event	*round_event, *later_event;
static struct turn_list	 lists[LISTS];
static bool		 in_round;
static size_t		 (*run_turn)(struct turn *);

void
turn_cancel(struct turn *turn)
{
	if (turn->list == NONE)
		return;
	TAILQ_REMOVE(&lists[turn->list], turn, link);
	turn->list = NONE;
}

static void
enlist(struct turn *turn, unsigned char list)
{
	turn_cancel(turn);
	turn->list = list;
	TAILQ_INSERT_TAIL(&lists[list], turn, link);
}

void
turn_queue(struct turn *turn)
{
	if (turn->list == FRESH || turn->list == BULK)
		return;
	enlist(turn, turn->bulk ? BULK : FRESH);
	/* In a round, or behind it, an active event would have its turn before
	 * the loop asks for what is ready. */
	if (!in_round && !evtimer_pending(round_event, NULL))
		event_active(round_event, 0, 0);
}

void
turn_later(struct turn *turn)
{
	static const struct timeval wait = { 0, LATER_MS * 1000 };

	if (turn->list != NONE)
		return;
	enlist(turn, LATER);
	if (!evtimer_pending(later_event, NULL))
		(void)evtimer_add(later_event, &wait);	/* room: loop_new() */
}

static size_t
run_one(struct turn *turn)
{
	turn_cancel(turn);
	return run_turn(turn);
}

/* Those that are ready, as many as a round has turns for. */
static void
run_round(void)
{
	struct turn	*turn;
	size_t		 bytes = 0;
	int		 turns;
	bool		 due = !TAILQ_EMPTY(&lists[BULK]);

	for (turns = 0; turns < ROUND_TURNS && bytes < ROUND_BYTES; turns++) {
		turn = TAILQ_FIRST(&lists[FRESH]);
		if (turn == NULL) {
			turn = TAILQ_FIRST(&lists[BULK]);
			due = false;
		}
		if (turn == NULL)
			return;
		bytes += run_one(turn);
	}
	if (due && !TAILQ_EMPTY(&lists[BULK]))
		(void)run_one(TAILQ_FIRST(&lists[BULK]));
}

static void
take_round(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval at_once = { 0, 0 };

	(void)fd;
	(void)what;
	(void)arg;
	in_round = true;
	run_round();
	in_round = false;
	/* A timer has its turn behind what the loop finds ready. */
	if (!TAILQ_EMPTY(&lists[FRESH]) || !TAILQ_EMPTY(&lists[BULK]))
		(void)evtimer_add(round_event, &at_once);
}

static void
take_later(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	while (!TAILQ_EMPTY(&lists[LATER]))
		turn_queue(TAILQ_FIRST(&lists[LATER]));
}

void
turns_make(struct event_base *base, size_t (*run)(struct turn *))
{
	unsigned char list;

	for (list = NONE; list < LISTS; list++)
		TAILQ_INIT(&lists[list]);
	run_turn = run;
	round_event = evtimer_new(base, take_round, NULL);
	later_event = evtimer_new(base, take_later, NULL);
	if (round_event == NULL || later_event == NULL)
		errx(1, "out of memory");
}
