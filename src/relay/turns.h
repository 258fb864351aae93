/* SPDX-License-Identifier: ISC */
#ifndef USHER_TURNS_H
#define USHER_TURNS_H

#include <sys/queue.h>

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Whose turn it is to move bytes.  Nobody moves more than a quantum in one
 * turn, and after a round of some turns the loop is asked for what else is
 * ready: orders, grants, and those who have become ready meanwhile.  Whoever
 * moved much in the last turn waits behind all who did not, but one of them at
 * least is in each round.  That is less than a quantum: between a tenant and a
 * client who are both busy, a socket seldom has so much at once.
 */
enum {
	TURN_QUANTUM = 128 * 1024,
	TURN_MUCH = 16 * 1024
};

struct turn {
	TAILQ_ENTRY(turn) link;
	unsigned char	list;		/* which of them; 0: it is in none */
	bool		bulk;		/* it moved much in its last turn */
};

/* run moves for one, and gives how many bytes.  Exits 1 without memory. */
void	turns_make(struct event_base *base, size_t (*run)(struct turn *));
/* It is run soon; nothing happens when it is queued already. */
void	turn_queue(struct turn *turn);
/* It is run in some ms: there was no pipe to be had. */
void	turn_later(struct turn *turn);
/* It needs not be run any more. */
void	turn_cancel(struct turn *turn);

#endif
