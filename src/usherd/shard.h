/* SPDX-License-Identifier: ISC */
#ifndef USHER_SHARD_H
#define USHER_SHARD_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "../common/launch.h"
#include "settings.h"

/*
 * A shard: a front and what serves it, which share nothing with other shards
 * but the listening sockets.  The launcher starts, ends and replaces them.
 */

/* What is born and replaced together. */
enum unit {
	UNIT_TLS,
	UNIT_TLS_RELAY,
	UNIT_HTTP,		/* usherd-http and its relay */
	UNITS
};

enum front_state {
	FRONT_DOWN,
	FRONT_STARTING,
	FRONT_READY,		/* it and its children are confined */
	FRONT_SERVING,
	FRONT_DRAINING
};

/* When what has ended is started again. */
struct restart {
	int64_t		 started;	/* ms */
	int64_t		 due;		/* ms; 0: not */
	unsigned int	 failures;	/* that came soon after a start */
};

struct shard_child {
	pid_t	pid;			/* -1: none */
	int64_t	since;			/* ms: in this state */
	bool	draining;
	bool	killed;			/* by us: nothing to be said */
};

struct shard {
	unsigned int		 number;	/* from 1 */
	enum front_state	 state;
	pid_t			 pid;		/* the front's, -1: none */
	int			 control;	/* -1: none */
	int			 request;
	bool			 killed;
	bool			 failed;	/* before it served */
	bool			 refused;	/* because one of it has, and said
						 * why */
	bool			 settled;	/* the start is over */
	bool			 pinged;	/* and has not answered */
	unsigned int		 missed;
	struct restart		 restart;
	int			 log[2];	/* its pipe: read, write */
	int			 page[2];	/* its counters: shared, and
						 * read-only */
	struct shard_child	 children[PLACES];
	struct restart		 units[UNITS];
	unsigned int		 newest[UNITS];	/* generation */
};

/* Makes what outlives its processes.  Exits 1 when that fails. */
void	shard_make(struct shard *shard, unsigned int number);
/* Starts its front and children.  Failure is said, and tried again. */
void	shard_start(struct shard *shard, const struct settings *settings);
/* From now on it accepts connections. */
void	shard_serve(struct shard *shard);
/* It accepts no more, and ends when all have ended. */
void	shard_drain(struct shard *shard, bool sweep);
/* Its front has said something: a byte each. */
void	shard_hear(struct shard *shard, const struct settings *settings);
/* Asks whether the front is alive; one that did not answer is ended. */
void	shard_ping(struct shard *shard);
/* Starts what is due at this time.  Gives when it must be called next, or 0. */
int64_t	shard_due(struct shard *shard, const struct settings *settings,
	    int64_t now);
/* Is this one of its processes?  Then it has ended or (WUNTRACED) stopped. */
bool	shard_reap(struct shard *shard, pid_t pid, int status);
/* No process of it is left. */
bool	shard_empty(const struct shard *shard);
/* Ends all of them at once. */
void	shard_kill(struct shard *shard);
/* Nothing that ends is started again, in any shard. */
void	shards_finish(void);

#endif
