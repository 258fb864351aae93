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
 * By the descriptor, so that what was looked at is what is connected to.  As
 * a datagram socket, which a listener does not get to see: EPROTOTYPE says
 * that there is one.  A stream would stand in its queue, wake up a server that
 * has no use for it, and be refused by one that has yet to call listen(2).
 */
static enum probe
probe_socket(int pinned)
{
	struct sockaddr_un	address;
	enum probe		found;
	int			fd;

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return PROBE_LIVE;
	memset(&address, 0, sizeof(address));
	address.sun_family = AF_UNIX;
	probe_path(address.sun_path, pinned);
	found = connect(fd, (struct sockaddr *)&address,
	    sizeof(address)) == -1 && errno == ECONNREFUSED ? PROBE_STALE :
	    PROBE_LIVE;
	(void)close(fd);	/* nothing was sent */
	return found;
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
