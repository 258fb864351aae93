/* SPDX-License-Identifier: ISC */
#ifndef USHER_QUERY_H
#define USHER_QUERY_H

#include <event2/event.h>
#include <stdbool.h>

#include "backend.h"

/*
 * Look-ups that have to wait for a tenant's directory, by threads of their
 * own, so that the loop that all share never does.  A tenant can hold his
 * directory's lock for ever; what that costs is bounded for each directory,
 * each owner and in all, and whoever finds no place is told that the host is
 * busy.  Only backend_open() runs in the threads, under the front's filter
 * and with its rights, and gives back all that it found out.
 */
struct query;

/*
 * Before the numbers below SLOTS_BASE are filled.  done(asker) is called from
 * the loop when a query has its answer, unless that was dropped.
 */
void	queries_make(struct event_base *base, void (*done)(void *asker));

/* After that: the descriptors that are written to, for the sandbox. */
enum {
	QUERY_PIPES = 2
};

void	queries_pipes(int written[QUERY_PIPES]);

/*
 * Makes the threads, with the rights that we have now, and waits until all of
 * them run.  Before the filter, which must then be made to hold in all threads
 * and lets none be made.
 */
void	queries_start(void);

/*
 * Has what was cold looked up.  Gives NULL when there is no place.  The query
 * is the asker's until it is taken or dropped.
 */
struct query	*query_post(void *asker, const struct target *target,
		    const struct ends *ends, const struct found *cold);

/* Ends it, and whatever it found is closed, at once or once it is there. */
void	query_drop(struct query *query);

/*
 * Ends it, and gives what was found; its socket is now the caller's.  Where
 * there is no answer yet: REFUSAL_RACE, and what is known of where it is
 * stuck.  Gives false when the answer is one to another target: then that has
 * been dropped.
 */
bool	query_take(struct query *query, const struct target *target,
	    enum refusal *refusal, struct found *found);

#endif
