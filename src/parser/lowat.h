/* SPDX-License-Identifier: ISC */
#ifndef USHER_LOWAT_H
#define USHER_LOWAT_H

#include <stddef.h>

/*
 * The values that a parser may give SO_RCVLOWAT: constants, whose addresses
 * its filter knows, so that a parser that was taken over cannot have a
 * connection wait for more than the last of them.
 */
enum {
	LOWAT_STEPS = 32	/* 1, 2, 4, ... 4096, then 8192, 12288, ...
				 * 81920 */
};

extern const int lowat_steps[LOWAT_STEPS];

/* The largest that is not above wanted, which is 1 or more. */
const int *lowat_at_most(size_t wanted);

#endif
