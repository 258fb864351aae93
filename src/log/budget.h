/* SPDX-License-Identifier: ISC */
#ifndef USHER_BUDGET_H
#define USHER_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Who may cause how many lines in the log.  Every source has a few of his
 * own, and every network some for all the sources in it, or whoever has many
 * addresses would use up all that are told apart.  Above that there is what
 * all have together, of which no network gets more than half.
 */
enum {
	BUDGET_OWN_RATE = 1,		/* lines a second, */
	BUDGET_OWN_BURST = 20,		/* and at once */
	BUDGET_NETWORK_RATE = 16,	/* of all sources of a network */
	BUDGET_NETWORK_BURST = 320,
	BUDGET_RATE = 200,		/* of all above that */
	BUDGET_BURST = 1000,
	BUDGET_PLACES = 4096		/* about so many are told apart */
};

/* Exits 1 when there is no memory or no randomness. */
void	budget_make(void);

/*
 * May a line be written that this source has caused, in this network?
 * address_source(), address_network().  now is in ms, above 0, and never less
 * than at an earlier call.
 */
bool	budget_take(uint64_t source, uint64_t network, int64_t now);

#endif
