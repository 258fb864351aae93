/* SPDX-License-Identifier: ISC */
#include <sys/random.h>

#include <err.h>
#include <stdlib.h>

#include "../common/agelist.h"
#include "budget.h"

enum { LINE = 1000 };	/* tokens: rates are lines a second, time is ms */

struct bucket {
	int64_t	since;		/* 0: never used, and full */
	int64_t	tokens;
};

static struct source {
	struct bucket	own;
	struct bucket	share;		/* half of what all have */
}			*sources;
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
 * The rounds are those of a 64-bit finalizer: each bit of the source and of
 * the key changes half of the result's.
 */
static struct source *
source_of(uint64_t source)
{
	uint64_t h = source ^ key[0];

	h = (h ^ h >> 33) * 0xff51afd7ed558ccdULL;
	h = (h ^ h >> 33 ^ key[1]) * 0xc4ceb9fe1a85ec53ULL;
	h ^= h >> 33;
	return &sources[h % BUDGET_SOURCES];
}

bool
budget_take(uint64_t source)
{
	const int64_t	 now = agelist_now();
	struct source	*from = source_of(source);

	fill(&from->own, now, BUDGET_OWN_RATE, BUDGET_OWN_BURST);
	fill(&from->share, now, BUDGET_RATE / 2, BUDGET_BURST / 2);
	fill(&all, now, BUDGET_RATE, BUDGET_BURST);
	if (from->own.tokens >= LINE) {
		from->own.tokens -= LINE;
		return true;
	}
	if (from->share.tokens < LINE || all.tokens < LINE)
		return false;
	from->share.tokens -= LINE;
	all.tokens -= LINE;
	return true;
}

void
budget_make(void)
{
	if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
		err(1, "getrandom");
	sources = calloc(BUDGET_SOURCES, sizeof(*sources));
	if (sources == NULL)
		errx(1, "out of memory");
}
