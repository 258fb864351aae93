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
 * on, those of this process that rank lower, and those of others that are to be
 * replaced; does not let it appear when one of this process ranks higher.
 * Errors as place_take() has them.
 */
int	crowd_take(const struct place *place,
	    const struct place_socket *socket);

#endif
