/* SPDX-License-Identifier: ISC */
#include <sys/socket.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>

#include "tcp_options.h"

static const struct {
	int	level;
	int	name;
} options[] = {
	{ SOL_SOCKET, SO_KEEPALIVE },
	{ SOL_SOCKET, SO_OOBINLINE },
	{ IPPROTO_TCP, TCP_NODELAY }
};

enum { OPTIONS = sizeof(options) / sizeof(options[0]) };

static int
put(int fd, unsigned int set, int value)
{
	size_t i;

	for (i = 0; i < OPTIONS; i++) {
		if ((set & 1U << i) != 0 && setsockopt(fd, options[i].level,
		    options[i].name, &value, sizeof(value)) == -1)
			return -1;
	}
	return 0;
}

int
tcp_options_off(int fd, unsigned int *off)
{
	socklen_t	size;
	size_t		i;
	int		value;

	*off = 0;
	for (i = 0; i < OPTIONS; i++) {
		size = sizeof(value);
		if (getsockopt(fd, options[i].level, options[i].name, &value,
		    &size) == -1)
			return -1;
		if (value == 0)
			*off |= 1U << i;
	}
	return 0;
}

int
tcp_options_on(int fd, unsigned int off)
{
	return put(fd, off, 1);
}

int
tcp_options_theirs(int client, unsigned int changed)
{
	/* 0 takes O_NONBLOCK off: accept4(2) set no other flag. */
	if (fcntl(client, F_SETFL, 0) == -1)
		return -1;
	return put(client, changed, 0);
}

int
tcp_options_ours(int client, unsigned int changed)
{
	if (fcntl(client, F_SETFL, O_NONBLOCK) == -1)
		return -1;
	return put(client, changed, 1);
}
