/* SPDX-License-Identifier: ISC */
#include <sys/random.h>

#include <err.h>
#include <stdlib.h>

#include "budget.h"

enum { LINE = 1000 };	/* tokens: rates are lines a second, time is ms */

struct bucket {
	int64_t	since;		/* 0: never used, and full */
	int64_t	tokens;
};

struct network {
	struct bucket	own;
	struct bucket	share;		/* half of what all have */
};

static struct bucket	*sources;
static struct network	*networks;
static struct bucket	 all;
static uint64_t		 key[2];

static void
fill(struct bucket *bucket, int64_t now, int64_t rate, int64_t burst)
{
	if (bucket->since == 0)
		bucket->tokens = burst * LINE;
	else
		bucket->tokens += (now - bucket->since) * rate;
	if (bucket->tokens > burst * LINE)
		bucket->tokens = burst * LINE;
	bucket->since = now;
}

/*
 * Keyed, so that nobody can choose addresses that fall upon another's place.
 * The rounds are those of a 64-bit finalizer: each bit of the address and of
 * the key changes half of the result's.
 */
static size_t
place_of(uint64_t address)
{
	uint64_t h = address ^ key[0];

	h = (h ^ h >> 33) * 0xff51afd7ed558ccdULL;
	h = (h ^ h >> 33 ^ key[1]) * 0xc4ceb9fe1a85ec53ULL;
	h ^= h >> 33;
	return (size_t)(h % BUDGET_PLACES);
}

/* Gives false, and takes nothing, unless both have a line left. */
static bool
take(struct bucket *one, struct bucket *other)
{
	if (one->tokens < LINE || other->tokens < LINE)
		return false;
	one->tokens -= LINE;
	other->tokens -= LINE;
	return true;
}

bool
budget_take(uint64_t source, uint64_t network, int64_t now)
{
	struct bucket	*own = &sources[place_of(source)];
	struct network	*of = &networks[place_of(network)];

	fill(own, now, BUDGET_OWN_RATE, BUDGET_OWN_BURST);
	fill(&of->own, now, BUDGET_NETWORK_RATE, BUDGET_NETWORK_BURST);
	fill(&of->share, now, BUDGET_RATE / 2, BUDGET_BURST / 2);
	fill(&all, now, BUDGET_RATE, BUDGET_BURST);
	return take(own, &of->own) || take(&of->share, &all);
}

void
budget_make(void)
{
	if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
		err(1, "getrandom");
	sources = calloc(BUDGET_PLACES, sizeof(*sources));
	networks = calloc(BUDGET_PLACES, sizeof(*networks));
	if (sources == NULL || networks == NULL)
		errx(1, "out of memory");
}
