/* SPDX-License-Identifier: ISC */
/*
 * libusher-accept.so, for LD_PRELOAD: the functions on sockets that it puts
 * itself before, and nothing else; those on paths are in preload_path.c.  Each
 * asks at once whether the socket is one of ours, and is the C library's
 * function where it is not.
 *
 * glibc declares these with a transparent union for _GNU_SOURCE, which no
 * definition can match.
 */
#undef _GNU_SOURCE
#define _POSIX_C_SOURCE 200809L
#include <sys/socket.h>

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

#include "accept.h"
#include "complain.h"
#include "family.h"
#include "listener.h"
#include "options.h"
#include "place.h"
#include "real.h"
#include "settings.h"
#include "sockpath.h"

#define EXPORTED __attribute__((visibility("default")))

/* In <sys/socket.h> only for _GNU_SOURCE. */
int	accept4(int, struct sockaddr *, socklen_t *, int);

/* If not, the kernel has an error for it. */
static bool
is_size(const socklen_t *size)
{
	return size != NULL && *size <= INT_MAX;
}

static void
before_fork(void)
{
	place_lock();
	options_lock();
}

static void
after_fork(void)
{
	options_unlock();
	place_unlock();
}

static void __attribute__((constructor))
load(void)
{
	complain_begin();
	(void)real();
	settings_read();
	if (pthread_atfork(before_fork, after_fork, after_fork) != 0) {
		complain("out of memory");
		_exit(1);
	}
}

EXPORTED int
bind(int fd, const struct sockaddr *address, socklen_t size)
{
	const struct settings_port	*port;
	union name_address		 wanted;
	struct sockpath			 path;

	if (sockpath_wanted(fd, address, size, &path))
		return sockpath_bind(fd, address, size, &path);
	port = listener_wanted(fd, address, size, &wanted);
	if (port == NULL)
		return real()->bind(fd, address, size);
	return listener_turn(fd, port, &wanted);
}

EXPORTED int
listen(int fd, int backlog)
{
	return real()->listen(fd, backlog) == -1 ? -1 : listener_show(fd);
}

EXPORTED int
accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
	struct name	name;
	enum name_kind	kind;

	kind = listener_kind(fd, &name);
	if (kind == NAME_OTHER || (address != NULL && !is_size(size)))
		return real()->accept4(fd, address, size, flags);
	return handoff_accept(fd, kind, &name, address, size, flags);
}

EXPORTED int
accept(int fd, struct sockaddr *address, socklen_t *size)
{
	struct name	name;
	enum name_kind	kind;

	kind = listener_kind(fd, &name);
	if (kind == NAME_OTHER || (address != NULL && !is_size(size)))
		return real()->accept(fd, address, size);
	return handoff_accept(fd, kind, &name, address, size, 0);
}

EXPORTED int
getsockname(int fd, struct sockaddr *address, socklen_t *size)
{
	struct name	name;
	socklen_t	full = sizeof(name.address);

	if (address == NULL || !is_size(size))
		return real()->getsockname(fd, address, size);
	switch (listener_kind(fd, &name)) {
	case NAME_STANDIN:
		break;
	case NAME_HANDOFF:
		return sockpath_name(fd, address, size);
	case NAME_OTHER:
		if (!family_is_other(fd))
			return real()->getsockname(fd, address, size);
		if (real()->getsockname(fd, &name.address.any, &full) == -1)
			return -1;
		family_swap(&name.address);
	}
	name_address_give(&name.address, address, size);
	return 0;
}

EXPORTED int
getpeername(int fd, struct sockaddr *address, socklen_t *size)
{
	union name_address	peer;
	socklen_t		full = sizeof(peer);

	if (address == NULL || !is_size(size) || !family_is_other(fd))
		return real()->getpeername(fd, address, size);
	if (real()->getpeername(fd, &peer.any, &full) == -1)
		return -1;
	family_swap(&peer);
	name_address_give(&peer, address, size);
	return 0;
}

EXPORTED int
getsockopt(int fd, int level, int option, void *value, socklen_t *size)
{
	struct name name;

	if (!options_tcp(level, option) ||
	    listener_kind(fd, &name) != NAME_STANDIN)
		return real()->getsockopt(fd, level, option, value, size);
	return options_get(fd, name.address.any.sa_family, level, option,
	    value, size);
}

EXPORTED int
setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
	struct name name;

	if (!options_tcp(level, option) ||
	    listener_kind(fd, &name) != NAME_STANDIN)
		return real()->setsockopt(fd, level, option, value, size);
	return options_set(fd, name.address.any.sa_family, level, option,
	    value, size);
}
