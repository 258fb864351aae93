/* SPDX-License-Identifier: ISC */
#ifndef USHER_RUN_H
#define USHER_RUN_H

#include <stdbool.h>

/* `usher run`, as the command line has it. */
struct run {
	const char	 *listen;	/* all of -l, joined, or NULL */
	const char	 *trust;	/* all of -T, joined, or NULL */
	bool		  replace;	/* -r */
	char		**command;	/* with its arguments and a NULL */
};

/*
 * Becomes the command, with libusher-accept.so preloaded; or exits with a
 * line on stderr that says why not.
 */
void	run_command(const struct run *run) __attribute__((noreturn));

#endif
