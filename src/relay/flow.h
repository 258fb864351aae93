/* SPDX-License-Identifier: ISC */
#ifndef USHER_FLOW_H
#define USHER_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "mover.h"
#include "side.h"

/* One direction of a connection: bytes from a side, on their way to the
 * other. */
struct flow {
	struct load	load;
	uint64_t	left;		/* granted, and not taken in yet */
	bool		ended;		/* nothing more is taken in, whatever
					 * is left */
};

enum step {
	STEP_MOVED,		/* go on */
	STEP_NONE,		/* nothing can be done now, and what is missing
				 * is watched for; or there is nothing to do */
	STEP_STARVED,		/* no pipe to be had: try later */
	STEP_ENDED,		/* from has ended; nothing is held */
	STEP_BROKEN_FROM,	/* it is of no more use that way; the same */
	STEP_BROKEN_TO,
	STEP_EXHAUSTED,		/* no memory to watch one of them */
	STEPS
};

/*
 * Takes the next bytes in, at most that many, or gives on what is held; what
 * was given on is added to *moved.
 */
enum step	flow_step(struct flow *flow, struct side *from,
		    struct side *to, size_t most, uint64_t *moved);
/* Has all that was granted been taken in, or will be no more, and all that
 * was taken in been given on? */
bool		flow_done(const struct flow *flow);

#endif
