/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "accept.h"
#include "complain.h"
#include "family.h"
#include "options.h"
#include "real.h"
#include "settings.h"
#include "usher_accept.h"

/* As in usher_accept(). */
enum {
	PASSED_MAX = 64,
	WAITS_MAX = 2,
	UID_BYTES = sizeof(" 4294967295,")
};

/* A hand-off listener, for the time of one accept(2). */
struct taking {
	int			 listener;
	enum name_kind		 kind;
	const struct name	*name;
};

/*
 * Once, not for each who connects: mostly it is usherd, run by a user of whom
 * the server was not told, and then every connection is lost like this.  Leaves
 * errno alone.
 */
static void
tell_refusal(int stream, uid_t owner)
{
	static atomic_flag		 told = ATOMIC_FLAG_INIT;
	const struct usher_trust	*trust = settings_trust();
	char				 list[SETTINGS_USERS * UID_BYTES + 1];
	struct ucred			 peer;
	socklen_t			 size = sizeof(peer);
	unsigned int			 i, n = 0;
	const int			 error = errno;

	if (real()->getsockopt(stream, SOL_SOCKET, SO_PEERCRED, &peer,
	    &size) == -1 || atomic_flag_test_and_set(&told)) {
		errno = error;
		return;
	}
	list[0] = '\0';
	for (i = 0; i < trust->nuids; i++)
		n += (unsigned int)snprintf(list + n, sizeof(list) - n,
		    "%s %u", i == 0 ? "" : ",", trust->uids[i]);
	if (owner == (uid_t)-1)
		complain("refused a connection from uid %u: trusted are "
		    "root and%s%s (-T)", peer.uid, n > 0 ? " uid" :
		    " no other", list);
	else
		complain("refused a connection from uid %u: trusted are "
		    "root, the directory's owner, uid %u, and%s%s (-T)",
		    peer.uid, owner, n > 0 ? " uid" : " no other", list);
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
	client = usher_receive(stream, &owner, &address->any, &size, flags);
	if (client == -1 && errno == EACCES)
		tell_refusal(stream, uid);
	return client;
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
