/* SPDX-License-Identifier: ISC */
#ifndef USHER_BOUND_H
#define USHER_BOUND_H

/*
 * The sockets that this process, or one that it was forked from, bound to
 * paths that it chose itself.  Only the last BOUND_MAX are known.  To be
 * called with place_lock() held.
 */
#include <stdint.h>

#include "entry.h"

enum { BOUND_MAX = 128 };	/* twice the ports of settings.h */

/*
 * Notes one.  Its number is that of the hidden name under which it waits to
 * appear, name.h, or BOUND_SHOWN.
 */
#define BOUND_SHOWN ((uint64_t)-1)
void	bound_add(const struct identity *identity, uint64_t number);

/* Is it one of them? */
bool	bound_has(const struct identity *identity);

/*
 * Does one of them wait to appear at this entry?  If so, the entry becomes
 * that of its hidden name.
 */
bool	bound_waits(struct entry *entry);

#endif
