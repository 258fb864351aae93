/* SPDX-License-Identifier: ISC */
#ifndef USHER_BUDGET_H
#define USHER_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Who may cause how many lines in the log.  Every source has a few of his
 * own, which nobody can take from him; whoever causes more shares what all
 * have together, of which no source has more than half.
 */
enum {
	BUDGET_OWN_RATE = 1,		/* lines a second, */
	BUDGET_OWN_BURST = 20,		/* and at once */
	BUDGET_RATE = 200,		/* of all above that */
	BUDGET_BURST = 1000,
	BUDGET_SOURCES = 4096		/* about so many are told apart */
};

/* Exits 1 when there is no memory or no randomness. */
void	budget_make(void);

/* May a line be written now that this source has caused? */
bool	budget_take(uint64_t source);

#endif
