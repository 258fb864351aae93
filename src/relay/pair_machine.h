/* SPDX-License-Identifier: ISC */
#ifndef USHER_PAIR_MACHINE_H
#define USHER_PAIR_MACHINE_H

#include "pair.h"

/* What was said, of which a step may need more than its event. */
struct pair_word {
	const struct grant	*grant;
	const struct order	*order;
	int			 backend;	/* -1 once it is the pair's */
};

/*
 * Walks the table of pair_states.h: the only place where a connection changes
 * its state.  An action says how it went by an event, and with that the walk
 * goes on.  Gives -1, and nothing has changed, when the table has no cell for
 * the event.  word may be NULL for an event that nobody else has said.
 */
int	pair_step(struct pair *pair, enum pair_event event,
	    struct pair_word *word);
/* The same for what nobody else has said: without a cell the process ends. */
void	pair_must(struct pair *pair, enum pair_event event);

#endif
