/* SPDX-License-Identifier: ISC */
#ifndef USHER_LOGGER_H
#define USHER_LOGGER_H

#include <sys/types.h>

#include <stdbool.h>

#include "settings.h"
#include "shard.h"

/*
 * The log process as the launcher sees it: started first, replaced when it
 * ends, and left to write what it has when all is over.
 */

/* Exits 1 when the system has no room for it. */
void	logger_start(const struct settings *settings,
	    const struct shard *shards, size_t n);
/* It has confined itself. */
bool	logger_ready(void);
/* The last one ended before that. */
bool	logger_failed(void);
/* A front of this shard is about to be started. */
void	logger_shard(const struct shard *shard);
/* What it says to us: to be read when there is something, or -1. */
int	logger_request(void);
void	logger_hear(void);
void	logger_ping(void);
/* Starts it again when that is due.  Gives when it will be, or 0. */
int64_t	logger_due(int64_t now);
bool	logger_reap(pid_t pid, int status);
/* Its last lines are waited for, a second at most. */
void	logger_finish(void);
/* For an upgrade: what the successor must know of it. */
pid_t	logger_pid(void);
int	logger_control(void);

#endif
