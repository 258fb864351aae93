/* SPDX-License-Identifier: ISC */
#ifndef USHER_PIPES_H
#define USHER_PIPES_H

#include <stddef.h>

/*
 * How many bytes of pipes each of n processes of one user may have, so that
 * all of them together stay below half of what the system gives a user before
 * it gives him less for each pipe.  Asked once, before the sandbox.
 */
size_t	pipes_share(unsigned int n);

/* Has room for some hundred records of the log, if the system lets us. */
void	log_pipe_grow(int pipe);

#endif
