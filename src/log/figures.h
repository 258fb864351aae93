/* SPDX-License-Identifier: ISC */
#ifndef USHER_LOG_FIGURES_H
#define USHER_LOG_FIGURES_H

#include "../common/counters.h"
#include "../common/log_record.h"

/*
 * The figures of all shards, as lines.  A page that is NULL counts nothing.
 */
struct pages {
	const struct counters	*of[LOG_SHARDS_MAX];
};

/* For whoever sends SIGUSR1. */
void	figures_counts(const struct pages *pages);
/* The launcher begins to stop. */
void	figures_stopping(const struct pages *pages);
/* It has waited for so many seconds. */
void	figures_cut(const struct pages *pages, unsigned int seconds);

#endif
