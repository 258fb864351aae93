/* SPDX-License-Identifier: ISC */
/*
 * Grants on their way to the relay.
 */
#include <string.h>

#include "grants.h"

static void	fill(const struct outgoing *, void *);
static void	left(struct outgoing *);

static struct outbox	outbox = {
	.fd = CHILD_GRANT, .size = sizeof(struct grant), .fill = fill,
	.left = left
};
static void		(*tell)(struct grant_place *);

_Static_assert(sizeof(struct grant) * GRANT_BATCH <= OUTBOX_BYTES,
    "a batch of grants is written whole");

static void
fill(const struct outgoing *outgoing, void *grant)
{
	memcpy(grant,
	    &((const struct grant_place *)(const void *)outgoing)->grant,
	    sizeof(struct grant));
}

static void
left(struct outgoing *outgoing)
{
	tell((void *)outgoing);
}

void
grants_begin(struct grant_place *place, uint32_t id)
{
	memset(place, 0, sizeof(*place));
	place->grant.id = id;
}

static void
record_begin(struct grant_place *place)
{
	const uint32_t id = place->grant.id;
	const uint32_t serial = place->grant.serial;

	memset(&place->grant, 0, sizeof(place->grant));
	place->grant.id = id;
	place->grant.serial = serial + 1;
	outbox_put(&outbox, &place->outgoing);
}

static uint64_t
added(uint64_t before, uint64_t more)
{
	return more > GRANTS_MOST - before ? GRANTS_MOST : before + more;
}

uint32_t
grants_say(struct grant_place *place, uint32_t backend, uint64_t up,
    uint64_t down, unsigned int flags)
{
	struct grant *grant = &place->grant;

	if (!place->outgoing.listed)
		record_begin(place);
	if (down > 0 && (flags & GRANT_OPEN) == 0)
		grant->flags &= ~(uint32_t)GRANT_OPEN;
	grant->backend = backend;
	grant->up = added(grant->up, up);
	grant->down = added(grant->down, down);
	grant->flags |= flags;
	return grant->serial;
}

uint64_t
grants_stop(struct grant_place *place, uint32_t backend, uint32_t *serial)
{
	uint64_t unsaid_up = 0;

	if (place->outgoing.listed) {
		unsaid_up = place->grant.up;
		place->grant.up = 0;
		/* What else may be said beside it, message.h. */
		place->grant.flags &= GRANT_TELL_UP | GRANT_AWAY;
	}
	*serial = grants_say(place, backend, 0, 0, GRANT_STOP);
	return unsaid_up;
}

void
grants_forget(struct grant_place *place)
{
	outbox_drop(&outbox, &place->outgoing);
}

void
grants_make(struct event_base *base, void (*said)(struct grant_place *),
    void (*lost)(void))
{
	tell = said;
	outbox.unheard = lost;
	outbox_make(&outbox, base);
}
