/* SPDX-License-Identifier: ISC */
#ifndef USHER_SOCKPATH_H
#define USHER_SOCKPATH_H

/*
 * Hand-off listeners whose path the server chooses itself: it binds a UNIX
 * stream socket to one that ends in "-handoff".
 *
 * A socket that was left behind there makes room.  Who listens is not in the
 * way of another only if the server is to replace it (USHER_REPLACE): then the
 * new socket is bound under a hidden name, name.h, and renamed to the path
 * once listen(2) has succeeded.  Until then the path, in what the server does
 * to it, means the hidden name.  And nobody removes a stream socket on which
 * somebody else listens: servers remove what they have bound when they end, and by then
 * it may be another's.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <stdbool.h>

#include "entry.h"

struct sockpath {
	char	path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
};

/* Is this a bind(2) to such a path?  If so, fills in the path. */
bool	sockpath_wanted(int fd, const struct sockaddr *address,
	    socklen_t size, struct sockpath *wanted);

/* As bind(2), for an address that is wanted. */
int	sockpath_bind(int fd, const struct sockaddr *address, socklen_t size,
	    const struct sockpath *wanted);

/*
 * Lets a listener appear that has waited for listen(2); does nothing to any
 * other.  Gives 0, or -1 with errno as listen(2) has it, and has said why.
 */
int	sockpath_show(int fd);

/* As getsockname(2), for a UNIX socket: its path without what is hidden. */
int	sockpath_name(int fd, struct sockaddr *address, socklen_t *size);

/*
 * As unlinkat(2) without flags, but for a stream socket on which somebody
 * listens, and which this process did not bind: 0, and it stays.
 */
int	sockpath_unlink(int at, const char *path);

/*
 * Does a socket of this process wait to appear at this path?  If so, gives its
 * hidden name, which is to be closed.
 */
bool	sockpath_waits(int at, const char *path, struct entry *entry);

#endif
