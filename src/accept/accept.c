/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "accept.h"
#include "options.h"
#include "real.h"
#include "settings.h"
#include "usher_accept.h"

enum { PASSED_MAX = 64 };	/* as in usher_accept() */

/* A hand-off listener, for the time of one accept(2). */
struct taking {
	int			 listener;
	enum name_kind		 kind;
	const struct name	*name;
};

/* The four bytes of an address that is ::ffff:192.0.2.1. */
static const void *
mapped(const struct in6_addr *address)
{
	return IN6_IS_ADDR_V4MAPPED(address) ? address->s6_addr + 12 : NULL;
}

/* A client of usherd's other family, as a listener of this one sees it. */
static void
convert(union name_address *address, sa_family_t family)
{
	union name_address	from = *address;
	const void		*four;

	if (from.any.sa_family == family)
		return;
	if (family == AF_INET6) {
		memset(address, 0, sizeof(*address));
		address->in6.sin6_family = AF_INET6;
		address->in6.sin6_port = from.in.sin_port;
		memset(address->in6.sin6_addr.s6_addr + 10, 0xff, 2);
		memcpy(address->in6.sin6_addr.s6_addr + 12, &from.in.sin_addr,
		    sizeof(from.in.sin_addr));
		return;
	}
	four = mapped(&from.in6.sin6_addr);
	if (four == NULL)
		return;
	memset(address, 0, sizeof(*address));
	address->in.sin_family = AF_INET;
	address->in.sin_port = from.in6.sin6_port;
	memcpy(&address->in.sin_addr, four, sizeof(address->in.sin_addr));
}

/*
 * Trust is asked for in two steps, as the second costs system calls for a
 * server's own listener, and is seldom needed.
 */
static int
receive(const struct taking *taking, int stream, union name_address *address,
    int flags)
{
	socklen_t		size = sizeof(*address);
	struct usher_trust	owner;
	uid_t			uid;
	int			client;

	client = usher_receive(stream, settings_trust(), &address->any, &size,
	    flags);
	if (client != -1 || errno != EACCES)
		return client;
	uid = taking->name->owner;
	if (taking->kind == NAME_HANDOFF &&
	    usher_listener_owner(taking->listener, &uid) == -1)
		uid = (uid_t)-1;
	owner.uids = &uid;
	owner.nuids = 1;
	return usher_receive(stream, &owner, &address->any, &size, flags);
}

static void
finish(const struct taking *taking, int client, union name_address *address)
{
	const int family = AF_INET;

	if (taking->kind != NAME_STANDIN)
		return;
	/* A real AF_INET socket, so that getsockname(2) and getpeername(2)
	 * agree with accept(2).  Linux refuses after the client's FIN. */
	if (taking->name->address.any.sa_family == AF_INET &&
	    address->any.sa_family == AF_INET6 &&
	    mapped(&address->in6.sin6_addr) != NULL)
		(void)real()->setsockopt(client, IPPROTO_IPV6, IPV6_ADDRFORM,
		    &family, sizeof(family));
	convert(address, taking->name->address.any.sa_family);
	options_inherit(taking->listener, client);
}

static void
give_address(const union name_address *from, struct sockaddr *address,
    socklen_t *size)
{
	const socklen_t full = name_address_size(from);

	if (address == NULL)
		return;
	memcpy(address, from, full < *size ? full : *size);
	*size = full;
}

/* Takes what the stream brings, and closes it. */
static int
take(const struct taking *taking, int stream, struct sockaddr *address,
    socklen_t *size, int flags)
{
	union name_address	client_address;
	int			client, error;

	client = receive(taking, stream, &client_address, flags);
	error = errno;
	(void)close(stream);	/* nothing was written to it */
	errno = error;
	if (client == -1)
		return -1;
	finish(taking, client, &client_address);
	give_address(&client_address, address, size);
	return client;
}

static bool
blocks(int fd)
{
	const int flags = fcntl(fd, F_GETFL);

	return flags != -1 && (flags & O_NONBLOCK) == 0;
}

static int
take_next(const struct taking *taking, struct sockaddr *address,
    socklen_t *size, int flags)
{
	unsigned int	passed;
	int		before, client, stream;

	for (passed = 0; passed < PASSED_MAX || blocks(taking->listener);
	    passed++) {
		stream = real()->accept4(taking->listener, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (stream == -1)
			return -1;
		/* accept(2) may end a thread only while it waits for somebody:
		 * later a descriptor would be lost with it. */
		(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
		client = take(taking, stream, address, size, flags);
		(void)pthread_setcancelstate(before, NULL);
		if (client != -1 || errno == EMFILE)
			return client;
	}
	errno = ECONNABORTED;
	return -1;
}

int
handoff_accept(int listener, enum name_kind kind, const struct name *name,
    struct sockaddr *address, socklen_t *size, int flags)
{
	const struct taking	taking = { listener, kind, name };
	const int		error = errno;
	int			client;

	if ((flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0) {
		errno = EINVAL;
		return -1;
	}
	client = take_next(&taking, address, size, flags);
	if (client != -1)
		errno = error;
	return client;
}
