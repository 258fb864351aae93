/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "../common/timeouts.h"
#include "children.h"
#include "counts.h"
#include "log.h"
#include "inflight.h"
#include "connection.h"

static unsigned long long	counts[PROTOCOL_COUNT][COUNTS];
static unsigned long long	refused[PROTOCOL_COUNT][REFUSAL_COUNT];
static unsigned long long	replaced;

void
count(enum protocol protocol, enum count what)
{
	counts[protocol][what]++;
}

void
count_refused(enum protocol protocol, enum refusal refusal)
{
	refused[protocol][refusal]++;
}

void
count_replaced(void)
{
	replaced++;
}

/* Several refusals have one word; each word is written once. */
static void
refused_line(const char *name, const unsigned long long *of)
{
	char			 text[640];
	const char		*word;
	unsigned long long	 n;
	int			 at = 0;
	unsigned int		 i, j;

	for (i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++) {
		word = refusal_answer(i)->word;
		if (i > 1 && strcmp(refusal_answer(i - 1)->word, word) == 0)
			continue;
		for (n = 0, j = i; j < REFUSAL_COUNT &&
		    strcmp(refusal_answer(j)->word, word) == 0; j++)
			n += of[j];
		if (n > 0 && (size_t)at < sizeof(text))
			at += snprintf(text + at, sizeof(text) - (size_t)at,
			    " %s=%llu", word, n);
	}
	log_line("counts %s refused%s", name, at == 0 ? " none" : text);
}

void
counts_log(void)
{
	static const char *const	names[PROTOCOL_COUNT] = {
		"tls", "http"
	};
	int				i;

	for (i = 0; i < PROTOCOL_COUNT; i++) {
		log_line("counts %s accepted=%llu relayed=%llu "
		    "handed-off=%llu left=%llu", names[i],
		    counts[i][COUNT_ACCEPTED], counts[i][COUNT_RELAYED],
		    counts[i][COUNT_HANDED_OFF], counts[i][COUNT_LEFT]);
		refused_line(names[i], refused[i]);
	}
	log_line("counts now undecided=%u in-relays=%u not-picked-up=%u "
	    "processes-replaced=%llu lines-lost=%llu", connections_unrelayed(),
	    children_relayed(), inflight_now(), replaced, log_lost_total());
}
