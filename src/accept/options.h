/* SPDX-License-Identifier: ISC */
#ifndef USHER_OPTIONS_H
#define USHER_OPTIONS_H

/*
 * The socket options of a stand-in, which is a UNIX socket and has none of
 * TCP's.  What was set is recorded, for each listener of this process; a
 * question is put to a TCP socket that is made for it and on which all of
 * that is set again, so values and errors are the kernel's.  Options that
 * accept(2) hands down to the client's socket are set on each client, if they
 * were set on the listener.
 */
#include <sys/socket.h>

#include <stdbool.h>

/* What there is of setsockopt(2) and getsockopt(2) for a stand-in. */
int	options_set(int listener, int family, int level, int name,
	    const void *value, socklen_t size);
int	options_get(int listener, int family, int level, int name,
	    void *value, socklen_t *size);

/* Is it an option about which a stand-in must not be asked itself? */
bool	options_tcp(int level, int name);

/* Records what differs on a TCP socket from a new one. */
void	options_copy(int tcp, int listener, int family);

/* Costs nothing where no such option was set. */
void	options_inherit(int listener, int client);

/* Around fork(2). */
void	options_lock(void);
void	options_unlock(void);

#endif
