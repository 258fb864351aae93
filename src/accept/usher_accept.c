/* SPDX-License-Identifier: ISC */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE	/* accept4(2), struct ucred */
#endif
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "usher_accept.h"

enum {
	/* As many as a message can bring (SCM_MAX_FD of unix(7)): those that
	 * found no room here would be closed by the kernel, but a count that
	 * is known is better than a flag. */
	FDS_MAX = 253,
	PASSED_MAX = 64,	/* bad ones in a row, see usher_accept() */
	WAITS_MAX = 2,		/* of them in vain */
	MS_A_SECOND = 1000,
	NS_A_MS = 1000000,
	TYPE_PIDFD = 4,		/* SCM_PIDFD of Linux 6.5 */
	UID_UNMAPPED = 65534	/* user_namespaces(7) */
};

_Static_assert(sizeof(struct usher_handoff) == 8, "a message has one size");

/*
 * Credentials come too where the server has asked for them, SO_PASSCRED, and
 * SO_PASSPIDFD brings one more descriptor.
 */
union control {
	struct cmsghdr	header;
	unsigned char	bytes[CMSG_SPACE(sizeof(int) * FDS_MAX) +
			    CMSG_SPACE(sizeof(struct ucred)) +
			    CMSG_SPACE(sizeof(int))];
};

/* What has come on a stream. */
struct parcel {
	unsigned char	bytes[sizeof(struct usher_handoff) + 1];
	size_t		n;
	int		fd;		/* the first descriptor, or -1 */
	bool		surplus;	/* there were more: those are closed */
	bool		cut;		/* some were lost on the way */
};

static void
close_quietly(int fd)
{
	const int error = errno;

	if (fd != -1)
		(void)close(fd);	/* nothing was written to it */
	errno = error;
}

static void
close_descriptor(const struct cmsghdr *header)
{
	int fd;

	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	close_quietly(fd);
}

static void
keep_descriptors(struct parcel *parcel, const struct cmsghdr *header)
{
	const unsigned char	*data = CMSG_DATA(header);
	size_t			 i, n;
	int			 fd;

	n = (header->cmsg_len - CMSG_LEN(0)) / sizeof(fd);
	for (i = 0; i < n; i++) {
		memcpy(&fd, data + i * sizeof(fd), sizeof(fd));
		if (parcel->fd == -1) {
			parcel->fd = fd;
			continue;
		}
		close_quietly(fd);
		parcel->surplus = true;
	}
}

/* Gives the number of bytes, 0 at the end, or -1 with errno. */
static ssize_t
receive_some(int stream, struct parcel *parcel)
{
	union control	 control;
	struct iovec	 iov;
	struct msghdr	 msg;
	struct cmsghdr	*header;
	ssize_t		 n;

	memset(&msg, 0, sizeof(msg));
	iov.iov_base = parcel->bytes + parcel->n;
	iov.iov_len = sizeof(parcel->bytes) - parcel->n;
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.msg_control = control.bytes;
	msg.msg_controllen = sizeof(control.bytes);
	do {
		n = recvmsg(stream, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return -1;
	for (header = CMSG_FIRSTHDR(&msg); header != NULL;
	    header = CMSG_NXTHDR(&msg, header)) {
		if (header->cmsg_level == SOL_SOCKET &&
		    header->cmsg_type == SCM_RIGHTS)
			keep_descriptors(parcel, header);
		else if (header->cmsg_level == SOL_SOCKET &&
		    header->cmsg_type == TYPE_PIDFD)
			close_descriptor(header);
	}
	if ((msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		parcel->cut = true;
	parcel->n += (size_t)n;
	return n;
}

static int64_t
milliseconds(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) == -1)
		return 0;	/* there is no system without this clock */
	return (int64_t)now.tv_sec * MS_A_SECOND + now.tv_nsec / NS_A_MS;
}

/* The time is a deadline, so that signals do not prolong it. */
static int
wait_until(int stream, int64_t deadline)
{
	struct pollfd	poller;
	int64_t		left;
	int		n;

	poller.fd = stream;
	poller.events = POLLIN;
	do {
		left = deadline - milliseconds();
		if (left <= 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		n = poll(&poller, 1, (int)left);
	} while (n == 0 || (n == -1 && errno == EINTR));
	return n == -1 ? -1 : 0;
}

/*
 * Receives until the size of a message is reached or passed.  Mostly the
 * message is there before we are, and neither poll(2) nor the clock is asked.
 */
static int
receive_all(int stream, struct parcel *parcel)
{
	int64_t	deadline = -1;
	ssize_t	n;

	while (parcel->n < sizeof(struct usher_handoff)) {
		n = receive_some(stream, parcel);
		if (n > 0)
			continue;
		if (n == 0) {
			errno = EPROTO;
			return -1;
		}
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			return -1;
		if (deadline == -1)
			deadline = milliseconds() + USHER_MESSAGE_MS;
		if (wait_until(stream, deadline) == -1)
			return -1;
	}
	return 0;
}

static bool
is_handoff(const struct parcel *parcel)
{
	struct usher_handoff message;

	if (parcel->n != sizeof(message))
		return false;
	memcpy(&message, parcel->bytes, sizeof(message));
	return memcmp(message.magic, USHER_HANDOFF_MAGIC,
	    sizeof(message.magic)) == 0 &&
	    message.version == USHER_HANDOFF_VERSION &&
	    (message.protocol == 't' || message.protocol == 'h') &&
	    message.zero == 0;
}

/* Gives AF_INET or AF_INET6, or -1 for what is not a TCP socket. */
static int
tcp_family(int fd)
{
	int		family, type;
	socklen_t	family_size = sizeof(family), type_size = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family,
	    &family_size) == -1 || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type,
	    &type_size) == -1)
		return -1;
	if (type != SOCK_STREAM || (family != AF_INET && family != AF_INET6))
		return -1;
	return family;
}

/*
 * accept(2) tells the address of a client that has left again, and what that
 * has sent can still be read: it must not be served as nobody's.  Where
 * getpeername(2) does not tell it any more, SO_PEERNAME does, if the size is
 * right.
 */
static int
give_address(int client, int family, struct sockaddr *address,
    socklen_t *size)
{
	struct sockaddr_storage	peer;
	socklen_t		full = sizeof(peer);

	memset(&peer, 0, sizeof(peer));
	if (getpeername(client, (struct sockaddr *)&peer, &full) == -1) {
		full = family == AF_INET ? sizeof(struct sockaddr_in) :
		    sizeof(struct sockaddr_in6);
		if (getsockopt(client, SOL_SOCKET, SO_PEERNAME, &peer,
		    &full) == -1)
			return -1;
	}
	memcpy(address, &peer, full < *size ? full : *size);
	*size = full;
	return 0;
}

/* usherd's own flags came with the descriptor: the caller's replace them. */
static int
give_flags(int client, int flags)
{
	int now, wanted;

	now = fcntl(client, F_GETFL);
	if (now == -1)
		return -1;
	wanted = now & ~O_NONBLOCK;
	if ((flags & SOCK_NONBLOCK) != 0)
		wanted |= O_NONBLOCK;
	if (wanted != now && fcntl(client, F_SETFL, wanted) == -1)
		return -1;
	if ((flags & SOCK_CLOEXEC) == 0 && fcntl(client, F_SETFD, 0) == -1)
		return -1;
	return 0;
}

static int
receive(int stream, struct parcel *parcel, struct sockaddr *address,
    socklen_t *size, int flags)
{
	int family;

	if (receive_all(stream, parcel) == -1)
		return -1;
	/* Nothing found room: this process is out of descriptors. */
	if (parcel->cut && parcel->fd == -1) {
		errno = EMFILE;
		return -1;
	}
	family = -1;
	if (!parcel->cut && !parcel->surplus && parcel->fd != -1 &&
	    is_handoff(parcel))
		family = tcp_family(parcel->fd);
	if (family == -1) {
		errno = EPROTO;
		return -1;
	}
	if (address != NULL &&
	    give_address(parcel->fd, family, address, size) == -1)
		return -1;
	return give_flags(parcel->fd, flags);
}

/* The listener is -1 where the owner of its directory does not count. */
static bool
is_trusted(int stream, int listener, const struct usher_trust *trust)
{
	struct ucred	peer;
	socklen_t	size = sizeof(peer);
	unsigned int	i;
	uid_t		owner;

	/* Of a socket that is no UNIX socket the kernel says -1. */
	if (getsockopt(stream, SOL_SOCKET, SO_PEERCRED, &peer, &size) == -1 ||
	    size != sizeof(peer) || peer.uid == (uid_t)-1)
		return false;
	if (peer.uid == 0)
		return true;
	for (i = 0; trust != NULL && i < trust->nuids; i++) {
		if (trust->uids[i] == peer.uid)
			return true;
	}
	return listener != -1 &&
	    usher_listener_owner(listener, &owner) == 0 && owner == peer.uid;
}

static int
receive_trusted(int stream, int listener, const struct usher_trust *trust,
    struct sockaddr *address, socklen_t *size, int flags)
{
	const int	error = errno;
	struct parcel	parcel;

	if (!is_trusted(stream, listener, trust)) {
		errno = EACCES;
		return -1;
	}
	memset(&parcel, 0, sizeof(parcel));
	parcel.fd = -1;
	if (receive(stream, &parcel, address, size, flags) == -1) {
		close_quietly(parcel.fd);
		return -1;
	}
	errno = error;
	return parcel.fd;
}

int
usher_receive(int stream, const struct usher_trust *trust,
    struct sockaddr *address, socklen_t *size, int flags)
{
	return receive_trusted(stream, -1, trust, address, size, flags);
}

static bool
blocks(int fd)
{
	const int flags = fcntl(fd, F_GETFL);

	return flags != -1 && (flags & O_NONBLOCK) == 0;
}

/*
 * Somebody who connects and connects could keep a server here that has other
 * things to do.  ECONNABORTED makes it come back, EAGAIN would not where the
 * listener is watched edge-triggered.
 */
int
usher_accept(int listener, const struct usher_trust *trust,
    struct sockaddr *address, socklen_t *size, int flags)
{
	unsigned int	passed, waits = 0;
	int		client, stream;

	if ((flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0) {
		errno = EINVAL;
		return -1;
	}
	for (passed = 0; passed < PASSED_MAX || blocks(listener); passed++) {
		stream = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (stream == -1)
			return -1;
		client = receive_trusted(stream, listener, trust, address,
		    size, flags);
		close_quietly(stream);
		if (client != -1 || errno == EMFILE)
			return client;
		if (errno == ETIMEDOUT && ++waits == WAITS_MAX &&
		    !blocks(listener))
			break;
	}
	errno = ECONNABORTED;
	return -1;
}

int
usher_listener_owner(int listener, uid_t *owner)
{
	struct sockaddr_un	address;
	socklen_t		size = sizeof(address);
	char			path[sizeof(address.sun_path) + 1];
	char			*end;
	struct stat		st;
	size_t			n;

	if (getsockname(listener, (struct sockaddr *)&address, &size) == -1)
		return -1;
	n = offsetof(struct sockaddr_un, sun_path);
	if (address.sun_family != AF_UNIX || size <= n ||
	    size > sizeof(address) || address.sun_path[0] != '/') {
		errno = ENOENT;
		return -1;
	}
	n = size - n;
	memcpy(path, address.sun_path, n);
	path[n] = '\0';
	end = strrchr(path, '/');
	*(end == path ? end + 1 : end) = '\0';
	/* What /proc/self/fd/3 leads to now need not be what it led to when
	 * the socket was bound; the same goes for a symbolic link. */
	if (strncmp(path, "/proc/", 6) == 0 || lstat(path, &st) == -1 ||
	    !S_ISDIR(st.st_mode)) {
		errno = ENOENT;
		return -1;
	}
	/* In a user namespace everybody from outside has this number. */
	if (st.st_uid == UID_UNMAPPED && geteuid() != UID_UNMAPPED) {
		errno = EPERM;
		return -1;
	}
	*owner = st.st_uid;
	return 0;
}
