/* SPDX-License-Identifier: ISC */
#ifndef USHER_UPWARD_H
#define USHER_UPWARD_H

#include "exchange.h"

/*
 * The client's side: what it has sent is looked at, and what that means for
 * its exchange.  Nothing is granted here, and no connection ends.
 */
enum upward {
	UPWARD_WAIT,		/* more must come */
	UPWARD_SAME,		/* a request for the same host as before */
	UPWARD_OTHER,		/* a request for another, or the first one */
	UPWARD_PART,		/* of chunks: *grant bytes may pass */
	UPWARD_WHOLE,		/* the same, and the request ends with them */
	UPWARD_REFUSED,		/* it breaks the rules: *refusal says which */
	UPWARD_ENDED,		/* the client has ended, and nothing is left of
				 * what it has said but *grant bytes of what it
				 * did not end */
	UPWARD_BROKEN		/* it broke the connection off */
};

/* The window that both sides need, for peeks_make(). */
extern const size_t upward_window;

/*
 * Looks for the head of the next request.  With UPWARD_SAME and UPWARD_OTHER
 * the exchange holds what is asked for, how much of it is ready to be granted,
 * and how far that goes; the state is EXCHANGE_FIRST_HEAD or NEXT_HEAD from
 * the first byte on that is not CR or LF.
 */
enum upward upward_head(struct exchange *exchange, enum refusal *refusal);

/* UP_WALKING: looks for more chunks. */
enum upward upward_chunks(struct exchange *exchange, uint64_t *grant,
    enum refusal *refusal);

/* UP_EXPECTED: is a byte of the body there?  UPWARD_PART, with no bytes to
 * grant, says so. */
enum upward upward_expected(struct exchange *exchange);

/* Has the client broken the connection off?  Of one that has said more, that
 * cannot be seen. */
bool	upward_broken(struct exchange *exchange);

#endif
