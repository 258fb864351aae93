/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "complain.h"
#include "crowd.h"
#include "entry.h"
#include "guard.h"
#include "place.h"
#include "probe.h"
#include "real.h"

enum {
	PORT_BYTES = sizeof("port 65535: "),
	DIRECTORY_MODE = 0755,
	PERMISSIONS = 0777,
	RACES_MAX = 16,		/* somebody else came and went in between */
	UID_UNMAPPED = 65534	/* as in usher_listener_owner() */
};

/*
 * What this process, or one that it was forked from, let appear for a port:
 * nginx binds, forks, and binds more when it is reloaded.
 */
struct shown {
	bool			known;
	dev_t			device;
	ino_t			inode;
	union name_address	address;
};

static struct shown	all_shown[SETTINGS_PORTS];
static struct guard	guard = GUARD_FREE;

void
place_lock(void)
{
	guard_take(&guard);
}

void
place_unlock(void)
{
	guard_release(&guard);
}

int
place_refuse(const struct settings_port *port, int error, const char *why)
{
	complain("port %u: %s: %s", (unsigned int)port->port, port->path,
	    why == NULL ? strerror(error) : why);
	switch (error) {
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
	case ENAMETOOLONG:
		errno = EADDRNOTAVAIL;
		break;
	case EPERM:
	case EROFS:
		errno = EACCES;
		break;
	default:
		errno = error;
		break;
	}
	return -1;
}

int
place_refuse_rival(const struct place *place, const char *name,
    enum rival_help help)
{
	char where[PATH_MAX + PORT_BYTES];

	(void)snprintf(where, sizeof(where), "port %u: %s",
	    (unsigned int)place->port->port, place->port->path);
	rival_complain(where, place->directory, name, help);
	errno = EADDRINUSE;
	return -1;
}

static bool
is_directory(int fd, const char *name)
{
	struct stat st;

	return fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode);
}

/* The directory above the entry, and the entry's name. */
static int
open_above(struct place *place)
{
	struct entry above;

	if (entry_open(&above, AT_FDCWD, place->port->path) == -1)
		return place_refuse(place->port, errno, NULL);
	place->directory = above.directory;
	memcpy(place->entry, above.name, sizeof(place->entry));
	return 0;
}

/*
 * Whatever the umask is, as with sockets: who may connect is decided by the
 * directory above.  Only if need be, since chmod(2) takes away a set-group-ID
 * bit of a group that is not the caller's.
 */
static void
open_to_all(const struct place *place)
{
	char		path[PROBE_PATH_BYTES];
	struct stat	st;
	int		fd;

	fd = openat(place->directory, place->entry,
	    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return;		/* somebody was quicker; to be seen later */
	probe_path(path, fd);
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
	    (st.st_mode & PERMISSIONS) != DIRECTORY_MODE)
		(void)real()->chmod(path, (st.st_mode & S_ISGID) |
		    DIRECTORY_MODE);
	(void)close(fd);	/* O_PATH */
}

/* Makes the directory, unless a socket in its place is still in use. */
static int
make_directory(const struct place *place)
{
	struct stat	st;
	int		race;

	for (race = 0; race < RACES_MAX; race++) {
		if (mkdirat(place->directory, place->entry,
		    DIRECTORY_MODE) == 0) {
			open_to_all(place);
			return 0;
		}
		if (errno != EEXIST)
			return place_refuse(place->port, errno, NULL);
		if (is_directory(place->directory, place->entry))
			return 0;
		switch (probe(place->directory, place->entry, &st)) {
		case PROBE_GONE:
			break;
		case PROBE_STALE:
			(void)real()->unlinkat(place->directory,
			    place->entry, 0);
			break;
		case PROBE_LIVE:
			return place_refuse_rival(place, place->entry,
			    RIVAL_STAYS);
		case PROBE_OTHER:
			return place_refuse(place->port, EADDRINUSE,
			    "neither a socket nor a directory");
		}
	}
	return place_refuse(place->port, EADDRINUSE, "it comes and goes");
}

static int
enter_directory(struct place *place)
{
	int fd;

	fd = openat(place->directory, place->entry,
	    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return place_refuse(place->port, errno, NULL);
	(void)close(place->directory);	/* O_PATH */
	place->directory = fd;
	place->many = true;
	return 0;
}

static int
find_directory(struct place *place)
{
	struct stat st;

	if (place->shared && make_directory(place) == -1)
		return -1;
	if (is_directory(place->directory, place->entry) &&
	    enter_directory(place) == -1)
		return -1;
	if (fstat(place->directory, &st) == -1)
		return place_refuse(place->port, errno, NULL);
	place->owner = st.st_uid;
	if (st.st_uid == UID_UNMAPPED && geteuid() != UID_UNMAPPED)
		place->owner = (uid_t)-1;
	return 0;
}

int
place_open(struct place *place, const struct settings_port *port, bool shared)
{
	memset(place, 0, sizeof(*place));
	place->port = port;
	place->shared = shared;
	if (open_above(place) == -1)
		return -1;
	if (find_directory(place) == 0)
		return 0;
	place_close(place);
	return -1;
}

void
place_close(struct place *place)
{
	const int error = errno;

	(void)close(place->directory);	/* O_PATH */
	place->directory = -1;
	errno = error;
}

enum place_rank
place_rank(const union name_address *address)
{
	if (address->any.sa_family == AF_INET)
		return address->in.sin_addr.s_addr == htonl(INADDR_ANY) ?
		    RANK_ANY : RANK_IN;
	return IN6_IS_ADDR_UNSPECIFIED(&address->in6.sin6_addr) ?
	    RANK_ANY6 : RANK_IN6;
}

/* This is the one that appears. */
static void
remember(struct shown *shown, const struct place_socket *socket)
{
	struct stat st;

	/* If it cannot be told, it is not taken for ours. */
	shown->known = fstat(socket->pinned, &st) == 0;
	if (!shown->known)
		return;
	shown->device = st.st_dev;
	shown->inode = st.st_ino;
	shown->address = *socket->address;
}

/*
 * By the descriptor: whoever may write to the directory could put something
 * else under the name.
 */
int
place_show(const struct place *place, const struct place_socket *socket,
    const char *entry)
{
	char path[PROBE_PATH_BYTES];

	probe_path(path, socket->pinned);
	return linkat(AT_FDCWD, path, place->directory, entry,
	    AT_SYMLINK_FOLLOW);
}

/*
 * Somebody listens there: is it this process, at another address, or one that
 * is to be replaced?  Of those that do not appear nothing is kept, since nobody
 * says when they are closed.
 */
static int
take_beside(const struct place *place, const struct place_socket *socket,
    const struct stat *st)
{
	struct shown *shown = &all_shown[place->port->index];

	const bool own = shown->known && shown->device == st->st_dev &&
	    shown->inode == st->st_ino;

	if (own && memcmp(&shown->address, socket->address,
	    sizeof(shown->address)) == 0)
		return place_refuse_rival(place, place->entry, RIVAL_STAYS);
	if (!own && !settings_replace(NULL))
		return place_refuse_rival(place, place->entry,
		    RIVAL_REPLACEABLE);
	if (own && place_rank(socket->address) <= place_rank(&shown->address))
		return 0;
	if (renameat(place->directory, socket->name, place->directory,
	    place->entry) == -1)
		return place_refuse(place->port, errno, NULL);
	remember(shown, socket);
	return 0;
}

static int
take_entry(const struct place *place, const struct place_socket *socket)
{
	struct stat	st;
	int		race;

	for (race = 0; race < RACES_MAX; race++) {
		if (place_show(place, socket, place->entry) == 0) {
			remember(&all_shown[place->port->index], socket);
			return 0;
		}
		if (errno != EEXIST)
			return place_refuse(place->port, errno, NULL);
		switch (probe(place->directory, place->entry, &st)) {
		case PROBE_GONE:
			break;
		case PROBE_STALE:
			(void)real()->unlinkat(place->directory,
			    place->entry, 0);
			break;
		case PROBE_LIVE:
			return take_beside(place, socket, &st);
		case PROBE_OTHER:
			return place_refuse(place->port, EADDRINUSE,
			    "it is there and is not a socket");
		}
	}
	return place_refuse(place->port, EADDRINUSE, "it comes and goes");
}

int
place_take(const struct place *place, const struct place_socket *socket)
{
	return place->many ? crowd_take(place, socket) :
	    take_entry(place, socket);
}
