/* SPDX-License-Identifier: ISC */
#ifndef USHER_FRONT_OPTIONS_H
#define USHER_FRONT_OPTIONS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#include "accept.h"

/*
 * What the launcher says in a front's arguments:
 *
 *   -i UID:GID	become that user and group; other groups are kept
 *   -n N	RLIMIT_NOFILE
 *   -j N	there are so many shards
 *   -s N	this is the front of that one
 *   -r N	connections after which a parser is replaced, 0: never
 *   -d PATH	of the hosts directory, for people
 *   -l LIST	the listeners from FRONT_LISTENERS on, "t:0:0,h:7:1": protocol,
 *		options that were found off, whether it was given to us
 *   -v		log each step of the state machine
 */
enum { FRONT_LISTENERS_MAX = 128 };

struct front_options {
	const char		*hosts;
	uid_t			 uid;
	gid_t			 gid;
	bool			 change_ids;
	unsigned int		 descriptors;
	unsigned int		 shards;
	unsigned int		 shard;
	unsigned int		 recycle;
	bool			 verbose;
	struct accept_listener	 listeners[FRONT_LISTENERS_MAX];
	size_t			 nlisteners;
};

/* Exits 1 with a line on stderr when they are wrong. */
void	front_options(struct front_options *options, int argc, char *argv[]);

#endif
