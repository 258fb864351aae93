/* SPDX-License-Identifier: ISC */
#ifndef USHER_LOG_LINES_H
#define USHER_LOG_LINES_H

#include <stdint.h>

/*
 * Lines on stderr, "usherd: " before each and a newline after it.  Never
 * waits: when stderr is a pipe that nobody empties, or a disk that is full,
 * lines are dropped and counted, and the count is told before the next that
 * goes through.  Lines are gathered, and written by lines_flush() or when
 * there are many.
 */
enum { LINE_TEXT_MAX = 1024 };	/* with a NUL */

void	lines_put(const char *text);
void	lines_flush(void);

/* So many lines were left out: counted, and told with the next one. */
void	lines_lost(uint64_t n);
/* How many have been lost since the start. */
uint64_t lines_lost_total(void);

#endif
