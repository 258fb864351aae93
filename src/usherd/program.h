/* SPDX-License-Identifier: ISC */
#ifndef USHER_PROGRAM_H
#define USHER_PROGRAM_H

#include <stddef.h>

/*
 * The children's programs: usherd finds them beside itself, else in
 * LIBEXECDIR, opens them once, and executes just these files ever after.
 */

/* Gives a close-on-exec descriptor; exits 1 with a line on stderr. */
int	program_open(const char *name);

/* Executes the file; returns only when that fails, with errno. */
void	program_execute(int program, const char *const argv[]);

/* The path that we were executed from.  Ends the process when there is none. */
void	program_self(char *path, size_t size);

/* Whatever this process comes to execute, it is killed when its parent ends.
 * Gives -1 with errno. */
int	program_end_with_parent(void);

#endif
