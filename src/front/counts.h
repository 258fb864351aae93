/* SPDX-License-Identifier: ISC */
#ifndef USHER_COUNTS_H
#define USHER_COUNTS_H

#include "../common/counters.h"

/*
 * What has happened since the start and what is there now, in the page at
 * FRONT_COUNTERS, which the log process reads.
 */

/*
 * Maps the page, and closes its descriptor.  A front before this one may have
 * counted in it: that stays, and its gauges become 0.  Exits 1 with a line on
 * stderr when it cannot be mapped.
 */
void	counts_open(void);

void	count(enum protocol protocol, enum count what);
/* A connection, or a request on one. */
void	count_refused(enum protocol protocol, enum refusal refusal);
/* A relay's connection, with the bytes that it has moved. */
void	count_ended(enum protocol protocol, enum ending ending, uint64_t up,
	    uint64_t down);
/* A process has been replaced, for whatever reason. */
void	count_replaced(void);
/* There are so many now. */
void	count_present(enum gauge gauge, uint64_t n);

#endif
