/* SPDX-License-Identifier: ISC */
#ifndef USHER_START_H
#define USHER_START_H

#include <sys/types.h>

#include "../common/launch.h"
#include "settings.h"

/*
 * Starting each kind of process, with its arguments and descriptors.  Each
 * gives the pid, or -1 with errno.
 */

/* control, request, log and page are the front's ends. */
pid_t	start_front(const struct settings *settings, unsigned int shard,
	    int control, int request, int log, int page);
/* The child's ends; of those that are not a pair, grant and progress are
 * -1. */
struct child_ends {
	int	control;
	int	report;
	int	grant;
	int	progress;
};

pid_t	start_child(const struct settings *settings, enum child_kind kind,
	    const struct child_ends *ends);
/* control and request are the log process's ends. */
pid_t	start_log(const struct settings *settings, int control, int request);

/* Two connected ends, non-blocking, ours and theirs.  Give -1 with errno. */
int	start_control(int *ours, int *theirs);
/* A pipe: its two ends, non-blocking. */
int	start_pipe(int *reader, int *writer);

/* "tls parser", for people. */
const char *child_kind_name(enum child_kind kind);

#endif
