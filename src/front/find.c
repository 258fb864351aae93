/* SPDX-License-Identifier: ISC */
#include <unistd.h>

#include "find.h"
#include "query.h"
#include "inflight.h"

/* A thread could not know whether there is room, and it may be gone. */
static enum refusal
room(const struct found *found)
{
	if (!found->handoff || found->socket == -1 ||
	    inflight_room(&found->tenant))
		return REFUSAL_NONE;
	(void)close(found->socket);	/* nothing was said on it */
	return REFUSAL_UNPICKED;
}

void
find_drop(struct connection *connection)
{
	if (connection->query != NULL)
		query_drop(connection->query);
	connection->query = NULL;
}

bool
find(struct connection *connection, enum refusal *refusal, struct found *found)
{
	const struct target	 target = {
		connection->protocol, connection->named ? &connection->name : NULL,
		connection->acme, connection->handoff
	};
	struct query		*query = connection->query;

	connection->query = NULL;
	if (query != NULL && query_take(query, &target, refusal, found)) {
		if (*refusal == REFUSAL_NONE)
			*refusal = room(found);
		else if (found->patience.cold)
			connection->tries = BUSY_TRIES;
		return true;
	}
	*refusal = backend_open(&target, &connection->ends, false, found);
	if (!found->patience.cold) {
		absence_learn(&found->missing);
		return true;
	}
	connection->query = query_post(connection, &target, &connection->ends, found);
	if (connection->query != NULL) {
		connection_asked(connection);
		return false;
	}
	*refusal = REFUSAL_RACE;
	return true;
}
