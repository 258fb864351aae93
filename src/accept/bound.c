/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "bound.h"
#include "name.h"

struct bound {
	bool		used;
	struct identity	identity;
	uint64_t	number;
};

static struct bound	table[BOUND_MAX];
static size_t		next;		/* the place to be taken next */

void
bound_add(const struct identity *identity, uint64_t number)
{
	struct bound *new = &table[next];

	next = (next + 1) % BOUND_MAX;
	new->used = true;
	new->identity = *identity;
	new->number = number;
}

bool
bound_has(const struct identity *identity)
{
	size_t i;

	for (i = 0; i < BOUND_MAX; i++) {
		if (table[i].used &&
		    identity_same(&table[i].identity, identity))
			return true;
	}
	return false;
}

/* Another process may have let it appear: the directory knows. */
bool
bound_waits(struct entry *entry)
{
	struct identity	found;
	char		hidden[NAME_MAX + 1];
	size_t		i;

	for (i = 0; i < BOUND_MAX; i++) {
		if (!table[i].used || table[i].number == BOUND_SHOWN ||
		    name_hide(hidden, entry->name,
		    (uint32_t)table[i].number) == -1 ||
		    identity_at(entry->directory, hidden, &found) == -1 ||
		    !identity_same(&table[i].identity, &found))
			continue;
		memcpy(entry->name, hidden, sizeof(hidden));
		return true;
	}
	return false;
}
