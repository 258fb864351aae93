/* SPDX-License-Identifier: ISC */
#ifndef USHER_UPGRADE_H
#define USHER_UPGRADE_H

#include <sys/types.h>

#include <stdbool.h>

#include "settings.h"
#include "shard.h"

/*
 * The upgrade in place, in three steps.  The program is started anew from its
 * path, as a trial: it does all that a start does, but to accept.  When it has
 * said that it is ready, the launcher executes it, and keeps its process id;
 * the new program starts its shards while the old ones serve; once the new
 * ones serve, the old ones drain.  If the trial fails, that is said, and
 * nothing has changed.
 *
 * What one program tells the next stands in the environment, in descriptors
 * that are inherited, and in nothing else.
 */

enum { UPGRADE_TRIAL_MS = 30 * 1000 };	/* then a trial is ended */

/* Remembers how we were started. */
void	upgrade_remember(char *const argv[]);
/* Are we such a trial, or, known from upgrade_adopt() on, the program that came
 * after it? */
bool	upgrade_is_trial(void);
bool	upgrade_is_successor(void);

/* The listeners that a predecessor left us.  Gives false when there was none:
 * the command line says which. */
bool	upgrade_listeners(struct settings *settings);
/* And its processes, which drain when that is called: ours serve. */
void	upgrade_adopt(void);
void	upgrade_retire(void);
/* Is it one of these? */
bool	upgrade_reap(pid_t pid, int status);
/* None of them is left. */
bool	upgrade_over(void);
void	upgrade_kill(void);

/* A trial: all that a start needs was there.  Exits 0. */
void	upgrade_ready(void) __attribute__((noreturn));

/* Starts a trial, unless one runs. */
void	upgrade_begin(const struct settings *settings);
/* To be read when there is something, or -1. */
int	upgrade_pipe(void);
void	upgrade_hear(void);
/* A trial that takes too long is ended.  Gives when that is due, or 0. */
int64_t	upgrade_due(int64_t now);
/* The trial has ended well: become the program that was tried.  Returns only
 * when that fails, which has been said. */
bool	upgrade_is_due(void);
void	upgrade_execute(const struct settings *settings,
	    const struct shard *shards, size_t n);

#endif
