/* SPDX-License-Identifier: ISC */
#include <unistd.h>

#include "find.h"
#include "query.h"
#include "unpicked.h"

/* A thread could not know whether there is room, and it may be gone. */
static enum refusal
room(const struct found *found)
{
	if (!found->handoff || found->socket == -1 ||
	    unpicked_room(&found->tenant))
		return REFUSAL_NONE;
	(void)close(found->socket);	/* nothing was said on it */
	return REFUSAL_UNPICKED;
}

void
find_drop(struct visitor *visitor)
{
	if (visitor->query != NULL)
		query_drop(visitor->query);
	visitor->query = NULL;
}

bool
find(struct visitor *visitor, enum refusal *refusal, struct found *found)
{
	const struct errand	 errand = {
		visitor->protocol, visitor->named ? &visitor->name : NULL,
		visitor->acme, visitor->handoff
	};
	struct query		*query = visitor->query;

	visitor->query = NULL;
	if (query != NULL && query_take(query, &errand, refusal, found)) {
		if (*refusal == REFUSAL_NONE)
			*refusal = room(found);
		else if (found->patience.cold)
			visitor->tries = BUSY_TRIES;
		return true;
	}
	*refusal = backend_open(&errand, &visitor->ends, false, found);
	if (!found->patience.cold) {
		absence_learn(&found->missing);
		return true;
	}
	visitor->query = query_post(visitor, &errand, &visitor->ends, found);
	if (visitor->query != NULL) {
		visitor_asked(visitor);
		return false;
	}
	*refusal = REFUSAL_RACE;
	return true;
}
