/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "complain.h"
#include "crowd.h"
#include "place.h"
#include "probe.h"

enum {
	ADDRESSES_MAX = 8,	/* of one port in one process */
	RACES_MAX = 16,		/* somebody else came and went in between */
	UID_UNMAPPED = 65534	/* as in usher_listener_owner() */
};

/* What this process has bound to a port since somebody else had it. */
struct history {
	pid_t			pid;
	dev_t			device;		/* of the one that appears */
	ino_t			inode;
	enum place_rank		rank;
	size_t			n;
	union name_address	addresses[ADDRESSES_MAX];
};

static struct history	histories[SETTINGS_PORTS];
static pthread_mutex_t	mutex = PTHREAD_MUTEX_INITIALIZER;

void
place_lock(void)
{
	(void)pthread_mutex_lock(&mutex);	/* a valid one, not ours yet */
}

void
place_unlock(void)
{
	(void)pthread_mutex_unlock(&mutex);
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
	char	path[PATH_MAX], *last;

	(void)snprintf(path, sizeof(path), "%s", place->port->path);
	last = strrchr(path, '/');	/* it begins with one */
	(void)snprintf(place->entry, sizeof(place->entry), "%s", last + 1);
	if (strlen(last + 1) > NAME_MAX)
		return place_refuse(place->port, ENAMETOOLONG, NULL);
	*(last == path ? last + 1 : last) = '\0';
	place->directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (place->directory == -1)
		return place_refuse(place->port, errno, NULL);
	return 0;
}

/* Makes the directory, unless a socket in its place is still in use. */
static int
make_directory(const struct place *place)
{
	struct stat	st;
	int		race;

	for (race = 0; race < RACES_MAX; race++) {
		if (mkdirat(place->directory, place->entry, 0755) == 0)
			return 0;
		if (errno != EEXIST)
			return place_refuse(place->port, errno, NULL);
		if (is_directory(place->directory, place->entry))
			return 0;
		switch (probe(place->directory, place->entry, &st)) {
		case PROBE_GONE:
			break;
		case PROBE_STALE:
			(void)unlinkat(place->directory, place->entry, 0);
			break;
		case PROBE_LIVE:
			return place_refuse(place->port, EADDRINUSE,
			    "a server that does not share it listens here");
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
history_shown(struct history *history, const struct place_socket *socket)
{
	struct stat st;

	history->pid = -1;
	if (fstat(socket->pinned, &st) == -1)
		return;		/* then it is not taken for ours */
	history->pid = getpid();
	history->device = st.st_dev;
	history->inode = st.st_ino;
	history->rank = place_rank(socket->address);
}

/* One more address of ours.  Gives -1 for one that is bound already. */
static int
history_join(struct history *history, const union name_address *address)
{
	size_t i;

	for (i = 0; i < history->n; i++) {
		if (memcmp(&history->addresses[i], address,
		    sizeof(*address)) == 0)
			return -1;
	}
	if (history->n == ADDRESSES_MAX)
		return -1;
	history->addresses[history->n++] = *address;
	return 0;
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

/* Somebody listens there: is it this process, at another address? */
static int
take_beside(const struct place *place, const struct place_socket *socket,
    const struct stat *st)
{
	struct history	*history = &histories[place->port->index];
	enum place_rank	 rank = place_rank(socket->address);

	if (history->pid != getpid() || history->device != st->st_dev ||
	    history->inode != st->st_ino ||
	    history_join(history, socket->address) == -1)
		return place_refuse(place->port, EADDRINUSE,
		    "a server listens here already");
	if (rank <= history->rank)
		return 0;
	if (renameat(place->directory, socket->name, place->directory,
	    place->entry) == -1)
		return place_refuse(place->port, errno, NULL);
	history_shown(history, socket);
	return 0;
}

static int
take_entry(const struct place *place, const struct place_socket *socket)
{
	struct history	*history = &histories[place->port->index];
	struct stat	 st;
	int		 race;

	for (race = 0; race < RACES_MAX; race++) {
		if (place_show(place, socket, place->entry) == 0) {
			history->n = 0;
			(void)history_join(history, socket->address);
			history_shown(history, socket);
			return 0;
		}
		if (errno != EEXIST)
			return place_refuse(place->port, errno, NULL);
		switch (probe(place->directory, place->entry, &st)) {
		case PROBE_GONE:
			break;
		case PROBE_STALE:
			(void)unlinkat(place->directory, place->entry, 0);
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
