/* SPDX-License-Identifier: ISC */
/*
 * The connections in usherd-http's hands: their places, their timers, what is
 * said about them, and how they end.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../child/confine.h"
#include "exchange.h"
#include "say.h"

enum {
	HEAD_MS = 10 * 1000,	/* for a whole head, not per byte; and for the
				 * first byte of a connection */
	IDLE_MS = 60 * 1000	/* between two exchanges */
};

/* A quarter is left for ids and what libevent has of each. */
_Static_assert(sizeof(struct exchange) + SAY_MEMORY <=
    2 * MEMORY_PER_DESCRIPTOR / 4 * 3, "the limit has room for both tables");

static const struct exchange_events *events;
static struct timeouts	 heads, idles;
static struct idmap	 ids;
static struct exchange	*places, *free_places;
static size_t		 nplaces, nused; /* beyond nused untouched memory */
static size_t		 count;

/* What limits how long a state may last. */
static struct timeouts *
timer_of(enum exchange_state state)
{
	switch (state) {
	case EXCHANGE_FIRST:
	case EXCHANGE_FIRST_HEAD:
	case EXCHANGE_NEXT_HEAD:
		return &heads;
	case EXCHANGE_NEXT:
		return &idles;
	case EXCHANGE_FREE:
	case EXCHANGE_ASKED:
	case EXCHANGE_OPEN:
	case EXCHANGE_STOPPING:
	case EXCHANGE_LEAVING:
	case EXCHANGE_LEFT:
		break;
	}
	return NULL;
}

void
exchange_enter(struct exchange *exchange, enum exchange_state state)
{
	struct timeouts *before = timer_of(exchange->state);
	struct timeouts *after = timer_of(state);

	if (before != NULL)
		timeouts_remove(before, &exchange->timer);
	exchange->state = state;
	if (after != NULL)
		timeouts_touch(after, &exchange->timer);
}

static void
late(struct timeout *age)
{
	events->late((void *)((char *)age - offsetof(struct exchange, timer)));
}

struct exchange *
exchange_new(uint32_t id, int client)
{
	struct exchange *exchange = free_places;

	if (exchange != NULL)
		free_places = exchange->next_free;
	else if (nused < nplaces)
		exchange = &places[nused++];
	else
		_exit(1);	/* more connections than agreed */
	memset(exchange, 0, sizeof(*exchange));
	count++;
	idmap_add(&ids, &exchange->node, id);
	grants_begin(&exchange->grants, id);
	peek_begin(&exchange->client, client, events->client);
	return exchange;
}

struct exchange *
exchange_find(uint32_t id)
{
	return (void *)idmap_find(&ids, id);
}

struct exchange *
exchange_of_client(struct peek *client)
{
	return (void *)((char *)client - offsetof(struct exchange, client));
}

struct exchange *
exchange_of_backend(struct peek *backend)
{
	return (void *)((char *)backend - offsetof(struct exchange, backend));
}

void
exchange_attach(struct exchange *exchange, int backend)
{
	static const struct flow nothing;

	peek_end(&exchange->backend);
	peek_begin(&exchange->backend, backend, events->backend);
	exchange->number++;
	exchange->fresh = true;
	exchange->upward = exchange->downward = nothing;
}

static void
flow_add(struct flow *flow, uint64_t bytes, uint32_t serial)
{
	flow->left = bytes > GRANTS_MOST - flow->left ? GRANTS_MOST :
	    flow->left + bytes;
	flow->serial = serial;
}

void
exchange_grant(struct exchange *exchange, uint64_t up, uint64_t down,
    unsigned int flags)
{
	uint32_t serial;

	serial = grants_say(&exchange->grants, exchange->number, up, down,
	    flags);
	if (up > 0 || (flags & GRANT_TELL_UP) != 0)
		flow_add(&exchange->upward, up, serial);
	if (down > 0 || (flags & GRANT_TELL_DOWN) != 0)
		flow_add(&exchange->downward, down, serial);
	exchange->granted = up > GRANTS_MOST - exchange->granted ? GRANTS_MOST :
	    exchange->granted + up;
}

void
exchange_stop(struct exchange *exchange)
{
	exchange->granted -= grants_stop(&exchange->grants, exchange->number,
	    &exchange->upward.serial);
}

bool
exchange_heard(const struct exchange *exchange)
{
	return exchange->heard == exchange->grants.grant.serial;
}

bool
flow_covered(const struct flow *flow, const struct progress *progress)
{
	return (int32_t)(progress->serial - flow->serial) >= 0;
}

static void
verdict(struct exchange *exchange, enum verdict_code code, enum refusal refusal)
{
	struct verdict record;

	memset(&record, 0, sizeof(record));
	record.id = exchange->node.id;
	record.code = (uint8_t)code;
	record.refusal = (uint8_t)refusal;
	if (code != VERDICT_GONE)
		record.head = exchange->to.head;
	if (code == VERDICT_NAMED)
		record.name = exchange->name;
	say((size_t)(exchange - places), &record);
}

void
exchange_ask(struct exchange *exchange)
{
	peek_aside(&exchange->client);
	peek_end(&exchange->backend);
	exchange_enter(exchange, EXCHANGE_ASKED);
	verdict(exchange, exchange->target == TARGET_NAMED ? VERDICT_NAMED :
	    VERDICT_NAMELESS, REFUSAL_NONE);
}

/*
 * The copies are closed before anything is said of it: they would keep the
 * connection open after everyone else has let go of it.
 */
static void
let_go(struct exchange *exchange, enum exchange_state state)
{
	exchange_enter(exchange, state);
	peek_end(&exchange->client);
	peek_end(&exchange->backend);
	idmap_remove(&ids, &exchange->node);
}

void
exchange_leave(struct exchange *exchange, uint64_t up, uint64_t down,
    unsigned int flags)
{
	exchange_grant(exchange, up, down, flags);
	let_go(exchange, EXCHANGE_LEAVING);
}

void
exchange_gone(struct exchange *exchange)
{
	grants_forget(&exchange->grants);
	let_go(exchange, EXCHANGE_LEFT);
	verdict(exchange, VERDICT_GONE, REFUSAL_NONE);
}

void
exchange_refuse(struct exchange *exchange, enum refusal refusal)
{
	grants_forget(&exchange->grants);
	let_go(exchange, EXCHANGE_LEFT);
	verdict(exchange, VERDICT_REFUSED, refusal);
}

/* When the front has heard this, it may give the place to another, so the
 * relay must have heard the last of it before. */
static void
granted(struct grant_place *grants)
{
	struct exchange *exchange;

	exchange = (void *)((char *)grants - offsetof(struct exchange, grants));
	if (exchange->state != EXCHANGE_LEAVING)
		return;
	exchange_enter(exchange, EXCHANGE_LEFT);
	verdict(exchange, VERDICT_GONE, REFUSAL_NONE);
}

static void
said(size_t number)
{
	struct exchange *exchange = &places[number];

	if (exchange->state != EXCHANGE_LEFT)
		return;
	exchange_enter(exchange, EXCHANGE_FREE);
	exchange->next_free = free_places;
	free_places = exchange;
	count--;
	events->freed();
}

size_t
exchanges_count(void)
{
	return count;
}

void
exchanges_each(void (*call)(struct exchange *))
{
	size_t i;

	for (i = 0; i < nused; i++) {
		if (places[i].state != EXCHANGE_FREE &&
		    places[i].state != EXCHANGE_LEAVING &&
		    places[i].state != EXCHANGE_LEFT)
			call(&places[i]);
	}
}

void
exchanges_make(struct event_base *loop, size_t n,
    const struct exchange_events *listener, void (*front_lost)(void),
    void (*relay_lost)(void))
{
	events = listener;
	nplaces = n;
	places = calloc(n, sizeof(*places));
	if (places == NULL)
		errx(1, "out of memory");
	say_make(loop, n, said, front_lost);
	grants_make(loop, granted, relay_lost);
	idmap_make(&ids, n);
	timeouts_init(&heads, loop, HEAD_MS, late);
	timeouts_init(&idles, loop, IDLE_MS, late);
}
