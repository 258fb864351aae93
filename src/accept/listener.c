/* SPDX-License-Identifier: ISC */
#include <sys/stat.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "entry.h"
#include "listener.h"
#include "number.h"
#include "options.h"
#include "place.h"
#include "probe.h"
#include "real.h"
#include "sockpath.h"
#include "sweep.h"

enum {
	RACES_MAX = 16,		/* random names that are taken */
	MODE = 0666,
	IN6_BYTES = 24		/* bind(2) takes RFC 2133's too, no scope */
};

static int
option_at(int fd, int level, int name)
{
	socklen_t	size;
	int		value;

	size = sizeof(value);
	if (real()->getsockopt(fd, level, name, &value, &size) == -1)
		return -1;
	return value;
}

static int
option_of(int fd, int name)
{
	return option_at(fd, SOL_SOCKET, name);
}

/* A UNIX socket's name.  Its path may fill its field with no zero after it. */
union unix_name {
	struct sockaddr		any;
	struct sockaddr_un	un;
	char			ended[sizeof(struct sockaddr_un) + 1];
};

static enum name_kind
name_of(int fd, struct name *name, union unix_name *address)
{
	socklen_t size = sizeof(address->un);

	memset(address, 0, sizeof(*address));
	if (real()->getsockname(fd, &address->any, &size) == -1 ||
	    address->any.sa_family != AF_UNIX)
		return NAME_OTHER;
	return name_read(name, address->un.sun_path);
}

enum name_kind
listener_kind(int fd, struct name *name)
{
	const int		error = errno;
	union unix_name		address;
	enum name_kind		kind = name_of(fd, name, &address);

	if (kind == NAME_HANDOFF && option_of(fd, SO_TYPE) != SOCK_STREAM)
		kind = NAME_OTHER;
	errno = error;
	return kind;
}

static int
address_take(union name_address *out, const struct sockaddr *address,
    socklen_t size)
{
	memset(out, 0, sizeof(*out));
	if (address == NULL || size < sizeof(out->in))
		return -1;
	if (address->sa_family == AF_INET) {
		memcpy(&out->in, address, sizeof(out->in));
		memset(out->in.sin_zero, 0, sizeof(out->in.sin_zero));
		return 0;
	}
	if (address->sa_family != AF_INET6 || size < IN6_BYTES)
		return -1;
	memcpy(&out->in6, address, size < sizeof(out->in6) ? size :
	    sizeof(out->in6));
	out->in6.sin6_flowinfo = 0;
	return 0;
}

/* Not bound yet: else bind(2) itself has the error for it. */
static bool
is_fresh(int fd)
{
	union name_address	now;
	socklen_t		size = sizeof(now);

	return real()->getsockname(fd, &now.any, &size) == 0 &&
	    (now.any.sa_family == AF_INET || now.any.sa_family == AF_INET6) &&
	    now.in.sin_port == 0;	/* at the same place in both */
}

/* An address of IPv4 for a socket of IPv6 only: bind(2) has an error for it. */
static bool
is_contradiction(int fd, const union name_address *address)
{
	return address->any.sa_family == AF_INET6 &&
	    IN6_IS_ADDR_V4MAPPED(&address->in6.sin6_addr) &&
	    option_at(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 1;
}

const struct settings_port *
listener_wanted(int fd, const struct sockaddr *address, socklen_t size,
    union name_address *wanted)
{
	const struct settings_port	*port;
	const int			 error = errno;
	int				 protocol;

	if (address_take(wanted, address, size) == -1)
		return NULL;
	port = settings_find(ntohs(wanted->in.sin_port));
	if (port == NULL)
		return NULL;
	protocol = option_of(fd, SO_PROTOCOL);
	if (option_of(fd, SO_TYPE) != SOCK_STREAM ||
	    (protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP) ||
	    option_of(fd, SO_DOMAIN) != wanted->any.sa_family ||
	    !is_fresh(fd) || is_contradiction(fd, wanted))
		port = NULL;
	errno = error;
	return port;
}

/* Under a name that nobody else has.  Gives the socket, or -1 with errno. */
static int
bind_somewhere(const struct place *place, const struct name *name,
    char unique[static NAME_BYTES])
{
	struct sockaddr_un	address;
	int			fd, race, status = -1;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	memset(&address, 0, sizeof(address));
	address.sun_family = AF_UNIX;
	for (race = 0; race < RACES_MAX; race++) {
		name_write(unique, name, number_random());
		(void)snprintf(address.sun_path, sizeof(address.sun_path),
		    "/proc/self/fd/%d/%s", place->directory, unique);
		status = real()->bind(fd, (struct sockaddr *)&address,
		    sizeof(address));
		if (status == 0 || errno != EADDRINUSE)
			break;
	}
	if (status == 0)
		return fd;
	(void)close(fd);	/* close(2) of an unbound socket is silent */
	return -1;
}

/*
 * Anybody whom the directory lets in may connect: whether what he sends is
 * taken is decided by who he is.  The mode is set by the descriptor, and only
 * of a socket of ours: whoever may write to the directory could have put
 * another file under the name by now.
 */
static int
pin(const struct place *place, const char *unique)
{
	char		path[PROBE_PATH_BYTES];
	struct stat	st;
	int		fd;

	fd = openat(place->directory, unique,
	    O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -1;
	probe_path(path, fd);
	if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    st.st_uid == geteuid() && real()->chmod(path, MODE) == 0)
		return fd;
	(void)close(fd);	/* O_PATH */
	errno = EACCES;
	return -1;
}

/*
 * Lets a pinned socket appear.  Its own name goes, whatever comes of it, if it
 * was not renamed already.  Takes the descriptor.
 */
static int
take(const struct place *place, const union name_address *address,
    const char *unique, int pinned)
{
	const struct place_socket	shown = { address, unique, pinned };
	const int			status = place_take(place, &shown);
	const int			error = errno;

	(void)close(pinned);	/* O_PATH */
	(void)real()->unlinkat(place->directory, unique, 0);
	errno = error;
	return status;
}

/* Gives the bound UNIX socket, or -1 with errno, and has said why. */
static int
appear(const struct place *place, const union name_address *address)
{
	char		unique[NAME_BYTES];
	struct name	name = { *address, place->owner };
	int		error, fd, pinned;

	fd = bind_somewhere(place, &name, unique);
	if (fd == -1)
		return place_refuse(place->port, errno, NULL);
	pinned = pin(place, unique);
	if (pinned == -1) {
		(void)place_refuse(place->port, errno, NULL);
		error = errno;
		(void)real()->unlinkat(place->directory, unique, 0);
	} else if (settings_replace(NULL)) {
		(void)close(pinned);	/* O_PATH */
		return fd;	/* listener_show() goes on */
	} else if (take(place, address, unique, pinned) == 0) {
		return fd;
	} else {
		error = errno;
	}
	(void)close(fd);	/* nobody has seen it */
	errno = error;
	return -1;
}

/* Gives -1 with errno; the TCP socket is as it was then. */
static int
replace(int fd, int unix_fd)
{
	int descriptor, status;

	descriptor = fcntl(fd, F_GETFD);
	status = fcntl(fd, F_GETFL);
	if (descriptor == -1 || status == -1 ||
	    fcntl(unix_fd, F_SETFL, status & O_NONBLOCK) == -1)
		return -1;
	return dup3(unix_fd, fd, (descriptor & FD_CLOEXEC) != 0 ? O_CLOEXEC :
	    0) == -1 ? -1 : 0;
}

/* As bind(2) does for an address that is not the wildcard. */
static void
six_only(int fd, const union name_address *address)
{
	const int on = 1;

	if (address->any.sa_family == AF_INET6 &&
	    !IN6_IS_ADDR_UNSPECIFIED(&address->in6.sin6_addr) &&
	    !IN6_IS_ADDR_V4MAPPED(&address->in6.sin6_addr))
		(void)real()->setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
		    sizeof(on));
}

static int
turn(int fd, const struct settings_port *port,
    const union name_address *address)
{
	struct place	place;
	int		error, lock, status, unix_fd;

	if (place_open(&place, port, option_of(fd, SO_REUSEPORT) == 1) == -1)
		return -1;
	lock = entry_lock(place.directory);
	if (settings_replace(NULL))
		sweep(place.directory);
	unix_fd = appear(&place, address);
	entry_unlock(lock);
	place_close(&place);
	if (unix_fd == -1)
		return -1;
	six_only(fd, address);
	options_copy(fd, unix_fd, address->any.sa_family);
	status = replace(fd, unix_fd);
	error = errno;
	(void)close(unix_fd);	/* the other number keeps it */
	errno = error;
	return status;
}

int
listener_turn(int fd, const struct settings_port *port,
    const union name_address *address)
{
	const int	error = errno;
	int		status;

	place_lock();
	status = turn(fd, port, address);
	place_unlock();
	if (status == 0)
		errno = error;
	return status;
}

/* Not there any more: it has appeared already. */
static int
show(const struct place *place, const struct name *name, const char *unique)
{
	int pinned;

	pinned = openat(place->directory, unique,
	    O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (pinned != -1)
		return take(place, &name->address, unique, pinned);
	return errno == ENOENT ? 0 : place_refuse(place->port, errno, NULL);
}

/* The port is in the name that was bound; its path, in the environment. */
static int
show_standin(const struct name *name, const char *path)
{
	const struct settings_port	*port;
	struct place			 place;
	int				 lock, status = -1;

	port = settings_find(ntohs(name->address.in.sin_port));
	if (port == NULL)
		return 0;
	place_lock();
	if (place_open(&place, port, false) == 0) {
		lock = entry_lock(place.directory);
		status = show(&place, name, strrchr(path, '/') + 1);
		entry_unlock(lock);
		place_close(&place);
	}
	place_unlock();
	return status;
}

int
listener_show(int fd)
{
	const int		error = errno;
	union unix_name		address;
	struct name		name;
	int			status = 0;

	if (!settings_replace(NULL))
		return 0;
	switch (name_of(fd, &name, &address)) {
	case NAME_STANDIN:
		status = show_standin(&name, address.un.sun_path);
		break;
	case NAME_HANDOFF:
		status = sockpath_show(fd);
		break;
	case NAME_OTHER:
		break;
	}
	if (status == 0)
		errno = error;
	return status;
}
