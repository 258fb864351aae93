/* SPDX-License-Identifier: ISC */
#ifndef USHER_CPUTIME_H
#define USHER_CPUTIME_H

#include <sys/types.h>

#include <stdint.h>

/* Processor time that a child has used so far, in ms, or -1. */
int64_t	cputime_of(pid_t child);

#endif
