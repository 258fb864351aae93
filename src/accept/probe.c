/* SPDX-License-Identifier: ISC */
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"

void
probe_path(char path[static PROBE_PATH_BYTES], int fd)
{
	(void)snprintf(path, PROBE_PATH_BYTES, "/proc/self/fd/%d", fd);
}

/*
 * By the descriptor, so that what was looked at is what is connected to.
 * Gives 0, or the error.
 */
static int
connect_as(int type, int pinned)
{
	struct sockaddr_un	address;
	int			fd, error = 0;

	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return EMFILE;		/* it has not been asked */
	memset(&address, 0, sizeof(address));
	address.sun_family = AF_UNIX;
	probe_path(address.sun_path, pinned);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == -1)
		error = errno;
	(void)close(fd);	/* nothing was sent */
	return error;
}

/*
 * As a datagram socket, which a listener does not get to see: EPROTOTYPE says
 * that there is one.  A stream would stand in its queue, wake up a server that
 * has no use for it, and be refused by one that has yet to call listen(2).
 */
static enum probe
probe_socket(int pinned)
{
	return connect_as(SOCK_DGRAM, pinned) == ECONNREFUSED ? PROBE_STALE :
	    PROBE_LIVE;
}

enum probe
probe(int directory, const char *name, struct stat *st)
{
	enum probe	found = PROBE_OTHER;
	int		pinned;

	pinned = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (pinned == -1)
		return errno == ENOENT ? PROBE_GONE : PROBE_OTHER;
	if (fstat(pinned, st) == 0 && S_ISSOCK(st->st_mode))
		found = probe_socket(pinned);
	(void)close(pinned);	/* O_PATH */
	return found;
}

/*
 * unix(7): EPROTOTYPE is for who is of another type.  EPERM is for datagrams
 * to a socket that is connected to somebody else.
 */
static bool
is_packets(int pinned)
{
	const int datagram = connect_as(SOCK_DGRAM, pinned);

	if (datagram != EPROTOTYPE)
		return datagram == 0 || datagram == EPERM;
	switch (connect_as(SOCK_SEQPACKET, pinned)) {
	case 0:			/* its server sees one that brings nothing */
	case EAGAIN:
	case ECONNREFUSED:
		return true;
	}
	return false;
}

bool
probe_is_packets(int directory, const char *name)
{
	const int	pinned = openat(directory, name,
			    O_PATH | O_NOFOLLOW | O_CLOEXEC);
	bool		packets;

	if (pinned == -1)
		return false;
	packets = is_packets(pinned);
	(void)close(pinned);	/* O_PATH */
	return packets;
}
