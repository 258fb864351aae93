/* SPDX-License-Identifier: ISC */
#include "find.h"
#include "query.h"

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
		connection->protocol,
		connection->named ? &connection->name : NULL,
		connection->acme, connection->handoff
	};
	struct query		*query = connection->query;

	connection->query = NULL;
	if (query != NULL && query_take(query, &target, refusal, found)) {
		if (*refusal != REFUSAL_NONE && found->patience.cold)
			connection->tries = CONNECTION_TRIES;
		return true;
	}
	*refusal = backend_open(&target, &connection->ends, false, found);
	if (!found->patience.cold) {
		absence_learn(&found->missing);
		return true;
	}
	connection->query = query_post(connection, &target,
	    &connection->ends, found);
	if (connection->query != NULL)
		return false;
	*refusal = REFUSAL_RACE;
	return true;
}
