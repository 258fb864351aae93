/* SPDX-License-Identifier: ISC */
#ifndef USHER_COUNTERS_H
#define USHER_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "message.h"
#include "refusal.h"

/*
 * What has happened since the start, and what is there now: one page for each
 * shard, written by its front alone and read by the log process, which prints
 * it and trusts it for nothing else.  The page outlives a front: a successor
 * goes on counting in it, and begins the gauges anew.
 */
enum count {
	COUNT_ACCEPTED,		/* connections taken in */
	COUNT_RELAYED,		/* given to a relay with a tenant */
	COUNT_HANDED_OFF,	/* given to a tenant */
	COUNT_LEFT,		/* gone before they had said a name */
	COUNTS
};

enum direction {
	DIRECTION_UP,		/* from clients to tenants */
	DIRECTION_DOWN,
	DIRECTIONS
};

/* How many there are now. */
enum gauge {
	GAUGE_UNDECIDED,	/* connections that no relay has yet */
	GAUGE_IN_RELAYS,
	GAUGE_INFLIGHT,		/* hand-offs that are not picked up */
	GAUGES
};

enum { COUNTERS_SIZE = 4096 };	/* a page */

struct counters {
	_Atomic uint64_t	counts[PROTOCOL_COUNT][COUNTS];
	_Atomic uint64_t	refused[PROTOCOL_COUNT][REFUSAL_COUNT];
	_Atomic uint64_t	ended[PROTOCOL_COUNT][ENDING_COUNT];
	_Atomic uint64_t	bytes[PROTOCOL_COUNT][DIRECTIONS];
	_Atomic uint64_t	gauges[GAUGES];
	_Atomic uint64_t	replaced;	/* children */
};

_Static_assert(sizeof(struct counters) <= COUNTERS_SIZE, "one page");

#endif
