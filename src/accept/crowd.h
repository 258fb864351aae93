/* SPDX-License-Identifier: ISC */
#ifndef USHER_CROWD_H
#define USHER_CROWD_H

/*
 * Several listeners of one path, which is a directory then: each has a socket
 * of its own in it, and usherd picks one.
 */
#include "place.h"

/*
 * Lets the socket appear in the directory, removes those that nobody listens
 * on, and those of this process that rank lower; does nothing when one ranks
 * higher.  Errors as place_take() has them.
 */
int	crowd_take(const struct place *place,
	    const struct place_socket *socket);

#endif
