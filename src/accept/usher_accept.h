/* SPDX-License-Identifier: ISC */
#ifndef USHER_ACCEPT_H
#define USHER_ACCEPT_H

/*
 * Receiving connections that usherd(8) hands over; usher-handoff(7).
 *
 * A server that wants them listens on a UNIX stream socket called tls-handoff
 * or http-handoff in its host's directory, and says usher_accept() where it
 * would say accept4(2).  This header and usher_accept.c are all it takes: they
 * need nothing but the C library of Linux (accept4(2), SCM_RIGHTS and
 * SO_PEERCRED of unix(7)), and may be copied into any program.
 */
#include <sys/socket.h>
#include <sys/types.h>

#include <stdint.h>

/*
 * What is sent for each connection, on a stream of its own: these eight bytes
 * in one sendmsg(2), and with them one descriptor (SCM_RIGHTS), the client's
 * TCP socket, of which no byte has been read.  A receiver refuses every other
 * size, content and number of descriptors.  The sender keeps its end of the
 * stream open until the message has been received and says nothing more on
 * it; the receiver says nothing.
 */
struct usher_handoff {
	char	magic[5];	/* "usher", not terminated */
	uint8_t	version;	/* USHER_HANDOFF_VERSION */
	char	protocol;	/* 't': tls-handoff, 'h': http-handoff */
	uint8_t	zero;
};

#define USHER_HANDOFF_MAGIC	"usher"
enum { USHER_HANDOFF_VERSION = 1 };

/*
 * Who may hand connections in, beside root: the users in uids, by the
 * credentials with which they connected (SO_PEERCRED, unix(7)).
 */
struct usher_trust {
	const uid_t	*uids;
	unsigned int	 nuids;
};

/*
 * Takes the next connection from a listening socket, like accept4(2): flags
 * may hold SOCK_NONBLOCK and SOCK_CLOEXEC, and where address is not NULL the
 * client's address is put there, AF_INET or AF_INET6, cut off at *size, which
 * becomes its full size.  Gives the client's socket, or -1 with errno as
 * accept4(2) has it; EAGAIN when the listener does not block and nothing is
 * there.
 *
 * What is not a hand-off of somebody trusted is closed and passed over; the
 * owner of the listener's directory is trusted too, usher_listener_owner().
 * For a message still on its way it waits USHER_MESSAGE_MS at most.  A listener
 * that does not block gives up when that was in vain twice, or after many bad
 * ones in a row: ECONNABORTED.
 */
int	usher_accept(int listener, const struct usher_trust *trust,
	    struct sockaddr *address, socklen_t *size, int flags);

/*
 * The second half of usher_accept(), for those who accept by themselves:
 * takes the hand-off from a stream that was just accepted.  The stream stays
 * the caller's, to be closed whatever comes of it.  Gives the client's socket,
 * or -1 with errno: EACCES for a sender who is not trusted, of whom nothing
 * was read, EPROTO for a message that is not a hand-off or is cut off,
 * ETIMEDOUT when none came in time, EMFILE when this process has no room for
 * a descriptor (the connection is lost), or what recvmsg(2), getpeername(2)
 * and fcntl(2) say.
 */
int	usher_receive(int stream, const struct usher_trust *trust,
	    struct sockaddr *address, socklen_t *size, int flags);

/*
 * Who owns the directory in which a UNIX socket is bound: whoever may remove
 * the socket and put another in its place may as well hand connections in.
 * Gives 0, or -1 with errno where that cannot be told for certain: when the
 * socket was bound by a relative path, below /proc, in a directory that is
 * itself a symbolic link, or by a user whom this user namespace does not know.
 */
int	usher_listener_owner(int listener, uid_t *owner);

enum { USHER_MESSAGE_MS = 100 };

#endif
