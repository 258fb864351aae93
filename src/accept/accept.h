/* SPDX-License-Identifier: ISC */
#ifndef USHER_ACCEPT4_H
#define USHER_ACCEPT4_H

/*
 * accept4(2) for a hand-off listener.
 */
#include <sys/socket.h>

#include "name.h"

/*
 * Takes connections from the listener, whose kind and name were just looked
 * up, until one brings a client or there is none.  Everything is as accept(2)
 * has it.
 */
int	handoff_accept(int listener, enum name_kind kind,
	    const struct name *name, struct sockaddr *address,
	    socklen_t *size, int flags);

#endif
