/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "accept.h"
#include "family.h"
#include "options.h"
#include "real.h"
#include "settings.h"
#include "usher_accept.h"

/* As in usher_accept(). */
enum {
	PASSED_MAX = 64,
	WAITS_MAX = 2
};

/* A hand-off listener, for the time of one accept(2). */
struct taking {
	int			 listener;
	enum name_kind		 kind;
	const struct name	*name;
};

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
	if (taking->kind == NAME_STANDIN) {
		family_adopt(client, &client_address,
		    taking->name->address.any.sa_family);
		options_inherit(taking->listener, client);
	}
	if (address != NULL)
		name_address_give(&client_address, address, size);
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
	unsigned int	passed, waits = 0;
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
		if (errno == ETIMEDOUT && ++waits == WAITS_MAX &&
		    !blocks(taking->listener))
			break;
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
