/* SPDX-License-Identifier: ISC */
#ifndef USHER_UNIT_H
#define USHER_UNIT_H

#include "shard.h"

/*
 * The children of a shard.  A unit is what is born and replaced together; of
 * each there is one generation that takes new connections, and those before
 * it finish what they have.
 */

/* Starts one more generation, and tells the front.  What was the newest
 * drains.  Failure is said, and tried again later. */
void	unit_start(struct shard *shard, enum unit unit,
	    const struct settings *settings);
/* Starts what is wanted of all units, for a front that was just started. */
void	units_start(struct shard *shard, const struct settings *settings);
/* Starts those whose time has come.  Gives when the next is due, or 0. */
int64_t	units_due(struct shard *shard, const struct settings *settings,
	    int64_t now);
/* Their front has gone: relays finish what they have. */
void	units_orphaned(struct shard *shard);
/* The front asks for a successor of what is newest: it gets one, but not within
 * 0.1 s of the last start, nor when that would end one that drains. */
void	unit_replace(struct shard *shard, enum child_kind kind,
	    const struct settings *settings);
/* The front asks for the end of one. */
void	unit_kill(struct shard *shard, unsigned int place);
/* It says that one has ended: should it not have, it is killed. */
void	unit_lost(struct shard *shard, unsigned int place);
/* Is it one of them? */
bool	unit_reap(struct shard *shard, pid_t pid, int status);

/* ms of the monotonic clock */
int64_t	shard_now(void);
/* How a process ended, for people: "killed by signal 9", "exited 1". */
const char *ending(int status);
/* Is that how one ends whom we have killed?  It may have died before. */
bool	ending_by_kill(int status);
/* It refused to start, and has said why itself. */
bool	ending_by_refusal(int status);
/* Notes that one has ended, and when it may be started again; the first
 * replacement is at once, those of a crash loop come slower. */
void	restart_later(struct restart *restart, const char *name);

#endif
