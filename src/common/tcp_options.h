/* SPDX-License-Identifier: ISC */
#ifndef USHER_TCP_OPTIONS_H
#define USHER_TCP_OPTIONS_H

/*
 * The options of clients' sockets that usherd has on while it has them:
 * SO_KEEPALIVE, SO_OOBINLINE (else an urgent byte would vanish from what is
 * peeked at) and TCP_NODELAY.  They are set on our own listeners and inherited
 * (tcp(7)), which saves system calls for each connection.  A listener that was
 * given to us is not changed: who is given it next could not tell any more
 * what of it was the administrator's.
 *
 * A set of them is a bit mask.
 */

/* Gives in off those that are off, and 0, or -1 with errno. */
int	tcp_options_off(int fd, unsigned int *off);
/* Puts these on.  Gives 0 or -1 with errno. */
int	tcp_options_on(int fd, unsigned int off);

/*
 * The socket as accept(2) gives it to others: these options off again, and
 * blocking.  With ours, the way back.  Gives 0 or -1 with errno.
 */
int	tcp_options_theirs(int client, unsigned int changed);
int	tcp_options_ours(int client, unsigned int changed);

#endif
