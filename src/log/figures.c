/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "figures.h"
#include "lines.h"

/* All that is in the pages, added up. */
struct sums {
	uint64_t	counts[PROTOCOL_COUNT][COUNTS];
	uint64_t	refused[PROTOCOL_COUNT][REFUSAL_COUNT];
	uint64_t	ended[PROTOCOL_COUNT][ENDING_COUNT];
	uint64_t	bytes[PROTOCOL_COUNT][DIRECTIONS];
	uint64_t	gauges[GAUGES];
	uint64_t	replaced;
};

static uint64_t
value(const _Atomic uint64_t *of)
{
	return atomic_load_explicit(of, memory_order_relaxed);
}

static void
add_each(uint64_t *to, const _Atomic uint64_t *of, int n)
{
	int i;

	for (i = 0; i < n; i++)
		to[i] += value(&of[i]);
}

static void
add(struct sums *sums, const struct counters *page)
{
	int i;

	for (i = 0; i < PROTOCOL_COUNT; i++) {
		add_each(sums->counts[i], page->counts[i], COUNTS);
		add_each(sums->refused[i], page->refused[i], REFUSAL_COUNT);
		add_each(sums->ended[i], page->ended[i], ENDING_COUNT);
		add_each(sums->bytes[i], page->bytes[i], DIRECTIONS);
	}
	for (i = 0; i < GAUGES; i++)
		sums->gauges[i] += value(&page->gauges[i]);
	sums->replaced += value(&page->replaced);
}

static void
add_all(struct sums *sums, const struct pages *pages)
{
	int i;

	memset(sums, 0, sizeof(*sums));
	for (i = 0; i < LOG_SHARDS_MAX; i++) {
		if (pages->of[i] != NULL)
			add(sums, pages->of[i]);
	}
}

/* Several refusals have one word; each word is written once. */
static void
refused_line(const char *name, const uint64_t *of)
{
	char		 text[LINE_TEXT_MAX];
	const char	*word;
	uint64_t	 n;
	unsigned int	 i, j;
	int		 at, start;

	at = start = snprintf(text, sizeof(text), "counts %s refused", name);
	for (i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++) {
		word = refusal_answer(i)->word;
		if (i > 1 && strcmp(refusal_answer(i - 1)->word, word) == 0)
			continue;
		for (n = 0, j = i; j < REFUSAL_COUNT &&
		    strcmp(refusal_answer(j)->word, word) == 0; j++)
			n += of[j];
		if (n > 0 && (size_t)at < sizeof(text))
			at += snprintf(text + at, sizeof(text) - (size_t)at,
			    " %s=%" PRIu64, word, n);
	}
	if (at == start)
		(void)snprintf(text + at, sizeof(text) - (size_t)at, " none");
	lines_put(text);
}

/* How relays' connections ended, and what they moved. */
static void
ended_line(const char *name, const uint64_t *ended, const uint64_t *bytes)
{
	static const char *const	words[ENDING_COUNT] = {
		[ENDING_WHOLE] = "whole",
		[ENDING_CLIENT] = "client",
		[ENDING_TENANT] = "tenant",
		[ENDING_REFUSED] = "refused",
		[ENDING_IDLE] = "idle",
		[ENDING_RELAY] = "relay"
	};
	char				text[LINE_TEXT_MAX];
	int				at, i;

	at = snprintf(text, sizeof(text), "counts %s ended", name);
	for (i = ENDING_NONE + 1; i < ENDING_COUNT; i++) {
		if ((size_t)at < sizeof(text))
			at += snprintf(text + at, sizeof(text) - (size_t)at,
			    " %s=%" PRIu64, words[i], ended[i]);
	}
	if ((size_t)at < sizeof(text))
		(void)snprintf(text + at, sizeof(text) - (size_t)at,
		    " bytes-up=%" PRIu64 " bytes-down=%" PRIu64,
		    bytes[DIRECTION_UP], bytes[DIRECTION_DOWN]);
	lines_put(text);
}

void
figures_counts(const struct pages *pages)
{
	static const char *const	names[PROTOCOL_COUNT] = {
		"tls", "http"
	};
	char				text[LINE_TEXT_MAX];
	struct sums			sums;
	int				i;

	add_all(&sums, pages);
	for (i = 0; i < PROTOCOL_COUNT; i++) {
		(void)snprintf(text, sizeof(text), "counts %s accepted=%" PRIu64
		    " relayed=%" PRIu64 " handed-off=%" PRIu64 " left=%" PRIu64,
		    names[i], sums.counts[i][COUNT_ACCEPTED],
		    sums.counts[i][COUNT_RELAYED],
		    sums.counts[i][COUNT_HANDED_OFF],
		    sums.counts[i][COUNT_LEFT]);
		lines_put(text);
		refused_line(names[i], sums.refused[i]);
		ended_line(names[i], sums.ended[i], sums.bytes[i]);
	}
	(void)snprintf(text, sizeof(text), "counts now undecided=%" PRIu64
	    " in-relays=%" PRIu64 " not-picked-up=%" PRIu64
	    " processes-replaced=%" PRIu64 " lines-lost=%" PRIu64,
	    sums.gauges[GAUGE_UNDECIDED], sums.gauges[GAUGE_IN_RELAYS],
	    sums.gauges[GAUGE_INFLIGHT], sums.replaced, lines_lost_total());
	lines_put(text);
}

static uint64_t
present(const struct pages *pages)
{
	struct sums sums;

	add_all(&sums, pages);
	return sums.gauges[GAUGE_UNDECIDED] + sums.gauges[GAUGE_IN_RELAYS];
}

void
figures_stopping(const struct pages *pages)
{
	char text[LINE_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "no longer accepting, %" PRIu64
	    " connections left", present(pages));
	lines_put(text);
}

void
figures_cut(const struct pages *pages, unsigned int seconds)
{
	char text[LINE_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "%" PRIu64
	    " connections cut after %u s", present(pages), seconds);
	lines_put(text);
}
