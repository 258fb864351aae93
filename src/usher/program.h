/* SPDX-License-Identifier: ISC */
#ifndef USHER_PROGRAM_H
#define USHER_PROGRAM_H

#include <limits.h>

/*
 * Can a library be preloaded into this command, and would the command then
 * go through it?  This is told from the file.  It is for people who have
 * picked a program where it cannot be, and no defence: who executes the file
 * and who is told so are the same user.
 */
enum verdict {
	PROGRAM_FINE,
	PROGRAM_MISSING,	/* no such file, or not in PATH */
	PROGRAM_DENIED,		/* not a file that this user may execute */
	PROGRAM_UNREADABLE,	/* it can be executed, but not looked at */
	PROGRAM_UNKNOWN,	/* neither ELF nor #! */
	PROGRAM_DAMAGED,	/* ELF headers that contradict the file */
	PROGRAM_FOREIGN,	/* for another processor or word size */
	PROGRAM_STATIC,		/* no dynamic loader that would preload */
	PROGRAM_GO,		/* makes system calls without the C library */
	PROGRAM_LIBRARY,	/* of another C library than ours */
	PROGRAM_NO_LOADER,	/* the dynamic loader it asks for is missing */
	PROGRAM_SETID,		/* the loader would not preload: set-user-ID */
	PROGRAM_CAPABILITIES,	/* the same, file capabilities */
	PROGRAM_ENV,		/* #! line of env(1) that is not understood */
	PROGRAM_DEPTH		/* interpreters of interpreters of ... */
};

struct program {
	char	path[PATH_MAX];		/* what to execute */
	char	decided[PATH_MAX];	/* the file that the verdict is about:
					 * path, or an interpreter of it */
};

/*
 * Finds command as execvp(3) would and looks at it; of a #! script, at the
 * interpreter that runs in its place, and that is the argument where the
 * interpreter is env(1).
 */
enum verdict	program_check(struct program *program, const char *command);

#endif
