/* SPDX-License-Identifier: ISC */
#ifndef USHER_LOG_SHARDS_H
#define USHER_LOG_SHARDS_H

#include <poll.h>
#include <stdbool.h>

#include "figures.h"

/*
 * The fronts' pipes and pages.  One read of each pipe in a turn, so that no
 * front can keep the others waiting.
 */

/* steps: LOG_STEP is legal. */
void	shards_make(bool steps);

/*
 * Shard number, from 1 on, has this pipe and this page now; both descriptors
 * belong to the callee.  A front that had sent a broken record is believed
 * again, but not what is still in the pipe.  hosts is for messages, and is
 * copied.  Gives -1 when the page cannot be mapped.
 */
int	shards_give(unsigned int number, int pipe, int page,
	    const char *hosts);

const struct pages *shards_pages(void);

/* What poll(2) is to wait for. */
void	shards_watch(struct pollfd fds[LOG_SHARDS_MAX]);
/* Reads where it says that there is something. */
void	shards_turn(const struct pollfd fds[LOG_SHARDS_MAX]);
/* Reads what is there now, of which there is no more than pipes hold. */
void	shards_drain(void);

#endif
