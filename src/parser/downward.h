/* SPDX-License-Identifier: ISC */
#ifndef USHER_DOWNWARD_H
#define USHER_DOWNWARD_H

#include "exchange.h"

/*
 * The tenant's side: what it has sent is looked at, and what that means for
 * the response.  Nothing is granted here, and no connection ends.
 */
enum downward {
	DOWNWARD_WAIT,		/* more must come */
	DOWNWARD_PART,		/* *grant bytes may pass, and it goes on */
	DOWNWARD_WHOLE,		/* the same, and the response ends with them;
				 * a backend that said more is closed */
	DOWNWARD_LAST,		/* the same, and its end cannot be known */
	DOWNWARD_TUNNEL,	/* the same, and another protocol follows */
	DOWNWARD_ENDED,		/* the tenant has ended */
	DOWNWARD_BROKEN		/* it broke the connection off */
};

/* DOWN_LOOKING: looks for more of the response. */
enum downward downward_look(struct exchange *exchange, uint64_t *grant);

/* No exchange is open: has the backend neither ended nor said anything?  Looks
 * only where there is news.  One that has is closed. */
bool	downward_idle(struct exchange *exchange);

#endif
