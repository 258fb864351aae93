/* SPDX-License-Identifier: ISC */
/*
 * The table of connections in this relay's hands.
 */
#include <err.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/shares.h"
#include "../child/confine.h"
#include "pair.h"

_Static_assert(sizeof(struct pair) <= 520, "README.md says what one costs");
_Static_assert(sizeof(struct pair) <=
    RELAY_DESCRIPTORS / 2 * MEMORY_PER_DESCRIPTOR,
    "the limit has room for the table");

/* ms; TIMER_NONE is none */
static const int64_t limits[PAIR_TIMERS] = {
	[TIMER_IDLE] = 5 * 60 * 1000,
	[TIMER_STILL] = 55 * 60 * 1000,
	[TIMER_AWAY] = 5 * 60 * 1000,
	[TIMER_HURRY] = 5 * 1000,
	[TIMER_PRESSED] = 1000,
	[TIMER_GOODBYE] = 2 * 1000,
};

enum protocol		 relay_protocol;

static struct timeouts	 lists[PAIR_TIMERS];
static struct pair	*pairs, *free_pairs;
static size_t		 npairs, nused;	/* beyond nused untouched memory */
static size_t		 live;
static struct idmap	 ids;
static void		(*tell_late)(struct pair *);

/* usherd-http has copies of the sockets that it peeks at. */
static bool
copies(void)
{
	return relay_protocol == PROTOCOL_HTTP;
}

struct pair *
pair_find(uint32_t id)
{
	return (void *)idmap_find(&ids, id);
}

struct pair *
pair_of_turn(struct turn *turn)
{
	return (void *)((char *)turn - offsetof(struct pair, turn));
}

static struct pair *
pair_of_side(struct side *side)
{
	return (void *)((char *)side - (side->backend ?
	    offsetof(struct pair, backend) : offsetof(struct pair, client)));
}

static void
news(struct side *side)
{
	turn_queue(&pair_of_side(side)->turn);
}

struct pair *
pair_new(int client, uint32_t id)
{
	struct pair *pair = free_pairs;

	if (pair != NULL)
		free_pairs = pair->next;
	else if (nused < npairs)
		pair = &pairs[nused++];
	else
		_exit(1);	/* more connections than agreed */
	live++;
	memset(pair, 0, sizeof(*pair));
	mover_empty(&pair->up.load);
	mover_empty(&pair->down.load);
	pair->backend.backend = true;
	pair->backend.fd = -1;
	side_begin(&pair->client, client);
	pair->unsaid.report.id = id;
	if (id != 0)
		idmap_add(&ids, &pair->node, id);
	return pair;
}

void
pair_attach(struct pair *pair, int backend)
{
	pair_detach(pair);
	side_begin(&pair->backend, backend);
	pair->up.ended = pair->down.ended = false;
	pair->deaf = false;
	pair->tell = 0;
	pair->number++;
}

void
pair_detach(struct pair *pair)
{
	side_close(&pair->backend, copies());
	mover_drop(&pair->up.load);
	mover_drop(&pair->down.load);
	pair->up.left = pair->down.left = 0;
}

void
pair_forget(struct pair *pair)
{
	if (pair->node.id == 0)
		return;
	idmap_remove(&ids, &pair->node);
	pair->node.id = 0;
}

/* The front has heard of its end. */
static void
said(struct unsaid *unsaid)
{
	struct pair *pair;

	pair = (void *)((char *)unsaid - offsetof(struct pair, unsaid));
	pair->next = free_pairs;
	free_pairs = pair;
	if (--live == 0)
		mover_trim();
}

/* usherd-http hears of an end before the front does, which may give the same
 * number to another. */
static void
told(struct outgoing *untold)
{
	struct pair *pair;

	pair = (void *)((char *)untold - offsetof(struct pair, untold));
	if (pair->state == PAIR_FREE)
		report_ended(&pair->unsaid);
}

void
pair_close(struct pair *pair)
{
	pair_forget(pair);
	turn_cancel(&pair->turn);
	timeouts_remove(&lists[pair->timer], &pair->age);
	pair_detach(pair);
	side_close(&pair->client, copies());
	if (!pair->untold.listed)
		report_ended(&pair->unsaid);
}

/* What has no limit is said as the most that a sum may be. */
static uint64_t
at_most(uint64_t amount)
{
	return amount > INT64_MAX ? INT64_MAX : amount;
}

static void
fill(const struct outgoing *untold, void *record)
{
	struct progress		*progress = record;
	const struct pair	*pair;

	pair = (const void *)((const char *)untold -
	    offsetof(struct pair, untold));
	progress->id = pair->unsaid.report.id;
	progress->backend = pair->number;
	progress->serial = pair->serial;
	progress->untaken = at_most(pair->up.left);
	progress->up = at_most(progress->untaken + pair->up.load.held);
	progress->down = at_most(at_most(pair->down.left) +
	    pair->down.load.held);
	if (pair->client_ended)
		progress->flags |= PROGRESS_CLIENT_ENDED;
	if (pair->deaf)
		progress->flags |= PROGRESS_TENANT_DEAF;
	if (pair->tenant_ended)
		progress->flags |= PROGRESS_TENANT_ENDED;
	if (pair->over)
		progress->flags |= PROGRESS_OVER;
}

static enum pair_timer
timer_of(const struct pair *pair)
{
	enum pair_timer timer = pair_state_timers[pair->state];

	/* Who is silent there is the client, which does not read. */
	if ((timer == TIMER_PRESSED || timer == TIMER_HURRY) &&
	    pair->state != PAIR_HURRIED && pair->down.load.held > 0)
		timer = TIMER_IDLE;
	/* The response has been given, but the request goes on for nobody. */
	if (pair->state == PAIR_FINISHING && flow_done(&pair->down))
		timer = TIMER_HURRY;
	if (timer == TIMER_IDLE && (pair->away || pair->client.closed))
		timer = TIMER_AWAY;
	return timer;
}

bool
pair_time_differs(const struct pair *pair)
{
	const enum pair_timer timer = timer_of(pair);

	return timer != pair->timer &&
	    (timer != TIMER_IDLE || pair->timer != TIMER_STILL);
}

static void
time_begin(struct pair *pair, enum pair_timer timer)
{
	if (timer != pair->timer)
		timeouts_remove(&lists[pair->timer], &pair->age);
	pair->timer = (unsigned char)timer;
	timeouts_touch(&lists[timer], &pair->age);
}

void
pair_time(struct pair *pair)
{
	time_begin(pair, timer_of(pair));
}

void
pair_time_still(struct pair *pair)
{
	time_begin(pair, TIMER_STILL);
}

static void
late(struct timeout *age)
{
	tell_late((void *)((char *)age - offsetof(struct pair, age)));
}

size_t
pairs_live(void)
{
	return live;
}

void
pairs_each(void (*each)(struct pair *))
{
	size_t i;

	for (i = 0; i < nused; i++) {
		if (pairs[i].state != PAIR_FREE)
			each(&pairs[i]);
	}
}

void
pairs_make(struct event_base *base, size_t n,
    void (*late_fn)(struct pair *), void (*gone)(void))
{
	size_t i;

	pairs = calloc(n, sizeof(*pairs));
	if (pairs == NULL)
		errx(1, "out of memory");
	npairs = n;
	tell_late = late_fn;
	sides_make(base, news);
	report_make(base, said, gone);
	if (copies())
		told_make(base, fill, told);
	idmap_make(&ids, n);
	for (i = TIMER_NONE + 1; i < PAIR_TIMERS; i++)
		timeouts_init(&lists[i], base, limits[i], late);
}
