/* SPDX-License-Identifier: ISC */
#ifndef USHER_SPAWN_H
#define USHER_SPAWN_H

#include <sys/types.h>

#include <stddef.h>

#include "user.h"

enum { SPAWN_ARGUMENTS_MAX = 24 };

/* A program that is about to be started. */
struct spawn {
	int		 program;	/* program_open() */
	const int	*fds;		/* what it finds from 3 on, in order */
	size_t		 nfds;
	const struct user *groups;	/* whose groups it gets, NULL: no other
					 * than ours */
	const char	*argv[SPAWN_ARGUMENTS_MAX + 1];
	size_t		 argc;
};

void	spawn_argument(struct spawn *spawn, const char *text);

/*
 * Starts it, with no descriptor but these and 0 to 2, and deaf to the signals
 * that the launcher acts upon.  All descriptors are the caller's and stay so.
 * Gives its pid, or -1 with errno.
 */
pid_t	spawn(const struct spawn *spawn);

#endif
