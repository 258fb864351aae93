/* SPDX-License-Identifier: ISC */
#ifndef USHER_SETTINGS_H
#define USHER_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "listen_open.h"
#include "options.h"
#include "user.h"

enum program {
	PROGRAM_FRONT,
	PROGRAM_TLS,
	PROGRAM_HTTP,
	PROGRAM_RELAY,
	PROGRAM_LOG,
	PROGRAMS
};

/* All that is known once the launcher has started, and does not change. */
struct settings {
	struct options	 options;
	struct user	 user;
	int		 programs[PROGRAMS];
	int		 hosts;
	int		 empty;		/* the root of those that can have it */
	bool		 chroot;	/* they can */
	struct listener	 listeners[LISTENERS_MAX * 2];
	size_t		 nlisteners;
	bool		 wanted[PROTOCOL_COUNT];
	unsigned int	 descriptors;	/* RLIMIT_NOFILE */
	unsigned int	 parser_clients; /* of each parser, at most */
	unsigned int	 relay_pairs;
	size_t		 relay_pipes;	/* bytes, each */
};

#endif
