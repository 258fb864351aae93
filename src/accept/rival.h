/* SPDX-License-Identifier: ISC */
#ifndef USHER_RIVAL_H
#define USHER_RIVAL_H

/*
 * Who listens already where a server wants to.
 */
#include <stdbool.h>

/* What -r would do is said only where it would help. */
enum rival_help {
	RIVAL_STAYS,
	RIVAL_REPLACEABLE
};

/*
 * Says on standard error which process listens on the socket of that name: the
 * one that called listen(2), by its number and, if it is still there, by its
 * name.  What begins the line is the place, as its user knows it.  A server
 * that tries again is not told twice of the same socket.  Leaves errno alone.
 * To be called with place_lock() held.
 */
void	rival_complain(const char *place, int directory, const char *name,
	    enum rival_help help);

#endif
