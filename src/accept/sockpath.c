/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bound.h"
#include "complain.h"
#include "name.h"
#include "number.h"
#include "place.h"
#include "probe.h"
#include "real.h"
#include "rival.h"
#include "sockpath.h"
#include "sweep.h"

enum { RACES_MAX = 16 };	/* somebody else came and went in between */

/* An entry that no other thread or process changes meanwhile. */
struct held {
	struct entry	entry;
	int		lock, error;
	bool		open;
};

bool
sockpath_wanted(int fd, const struct sockaddr *address, socklen_t size,
    struct sockpath *wanted)
{
	const int	error = errno;
	const size_t	before = offsetof(struct sockaddr_un, sun_path);
	socklen_t	type_size = sizeof(int);
	int		type = -1;

	if (address == NULL || size <= before ||
	    size > sizeof(struct sockaddr_un) ||
	    address->sa_family != AF_UNIX)
		return false;
	memset(wanted, 0, sizeof(*wanted));
	memcpy(wanted->path, (const char *)address + before, size - before);
	if (!name_is_handoff(wanted->path) || real()->getsockopt(fd,
	    SOL_SOCKET, SO_TYPE, &type, &type_size) == -1)
		type = -1;
	errno = error;
	return type == SOCK_STREAM;
}

/* Was it opened?  Otherwise errno says why.  To be let go of in both cases. */
static bool
hold(struct held *held, int at, const char *path)
{
	held->error = errno;
	place_lock();
	held->open = entry_open(&held->entry, at, path) == 0;
	if (held->open)
		held->lock = entry_lock(held->entry.directory);
	return held->open;
}

/* Gives the status, and leaves errno as it was before if that is 0. */
static int
let_go(struct held *held, int status)
{
	if (held->open) {
		entry_unlock(held->lock);
		entry_close(&held->entry);
	}
	place_unlock();
	if (status == 0)
		errno = held->error;
	return status;
}

static int
refuse(const char *path, int error, const char *why)
{
	complain("%s: %s", path, why == NULL ? strerror(error) : why);
	errno = error;
	return -1;
}

/* If it cannot be told which socket it is, it is not taken for ours later. */
static void
note(int directory, const char *name, uint64_t number)
{
	struct identity identity;

	if (identity_at(directory, name, &identity) == 0)
		bound_add(&identity, number);
}

/* Gives 0 when bind(2) is to be tried again. */
static int
make_room(const struct entry *entry, const char *path)
{
	struct stat st;

	switch (probe(entry->directory, entry->name, &st)) {
	case PROBE_GONE:
		return 0;
	case PROBE_STALE:
		if (real()->unlinkat(entry->directory, entry->name, 0) == 0 ||
		    errno == ENOENT)
			return 0;
		return refuse(path, EADDRINUSE,
		    "a socket that was left here may not be removed");
	case PROBE_LIVE:
		rival_complain(path, entry->directory, entry->name,
		    RIVAL_REPLACEABLE);
		errno = EADDRINUSE;
		return -1;
	case PROBE_OTHER:
		break;
	}
	return refuse(path, EADDRINUSE, "it is there and is not a socket");
}

static int
bind_shown(int fd, const struct sockaddr *address, socklen_t size,
    const struct entry *entry, const char *path)
{
	int race;

	for (race = 0; race < RACES_MAX; race++) {
		if (real()->bind(fd, address, size) == 0) {
			note(entry->directory, entry->name, BOUND_SHOWN);
			return 0;
		}
		if (errno != EADDRINUSE || make_room(entry, path) == -1)
			return -1;
	}
	return refuse(path, EADDRINUSE, "it comes and goes");
}

/*
 * The directory as the server has it, but absolute: what is bound is asked for
 * its path later, and the working directory may be another then.
 */
static int
address_write(struct sockaddr_un *address, const char *path,
    const char *hidden)
{
	const char	*last = strrchr(path, '/');
	char		 before[PATH_MAX] = "";
	ssize_t		 n = 0;
	int		 size;

	if (*path != '/') {
		n = readlink("/proc/self/cwd", before, sizeof(before) - 2);
		if (n == -1)
			return -1;
		before[n] = '/';
		before[n + 1] = '\0';
	}
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	size = snprintf(address->sun_path, sizeof(address->sun_path),
	    "%s%.*s%s", before, last == NULL ? 0 : (int)(last + 1 - path),
	    path, hidden);
	if (size >= 0 && (size_t)size < sizeof(address->sun_path))
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

static int
bind_hidden(int fd, const struct entry *entry, const char *path)
{
	struct sockaddr_un	address;
	struct stat		st;
	char			hidden[NAME_MAX + 1];
	uint32_t		number;
	int			race;

	if (probe(entry->directory, entry->name, &st) == PROBE_OTHER)
		return refuse(path, EADDRINUSE,
		    "it is there and is not a socket");
	sweep(entry->directory);
	for (race = 0; race < RACES_MAX; race++) {
		number = number_random();
		if (name_hide(hidden, entry->name, number) == -1)
			return refuse(path, ENAMETOOLONG, NULL);
		if (address_write(&address, path, hidden) == -1)
			return refuse(path, errno, errno == ENAMETOOLONG ?
			    "too long a path for usher run -r, which hides it "
			    "under a name of 20 bytes more" : NULL);
		if (real()->bind(fd, (struct sockaddr *)&address,
		    sizeof(address)) == 0) {
			note(entry->directory, hidden, number);
			return 0;
		}
		if (errno != EADDRINUSE)
			return -1;
	}
	return refuse(path, EADDRINUSE, "it comes and goes");
}

int
sockpath_bind(int fd, const struct sockaddr *address, socklen_t size,
    const struct sockpath *wanted)
{
	struct held	held;
	int		status;

	if (!hold(&held, AT_FDCWD, wanted->path))
		status = real()->bind(fd, address, size); /* has an error */
	else if (settings_replace(NULL))
		status = bind_hidden(fd, &held.entry, wanted->path);
	else
		status = bind_shown(fd, address, size, &held.entry,
		    wanted->path);
	return let_go(&held, status);
}

/* Of a UNIX socket.  Gives -1 for one that has no path. */
static int
path_of(int fd, struct sockpath *path)
{
	struct sockaddr_un	address;
	socklen_t		size = sizeof(address);

	memset(&address, 0, sizeof(address));
	if (real()->getsockname(fd, (struct sockaddr *)&address,
	    &size) == -1 || address.sun_family != AF_UNIX)
		return -1;
	memset(path, 0, sizeof(*path));
	memcpy(path->path, address.sun_path, sizeof(address.sun_path));
	return path->path[0] == '\0' ? -1 : 0;
}

/* Not there any more: it has appeared, or was removed. */
static int
show(const struct entry *hidden, const char *path)
{
	const char	*last = strrchr(path, '/');
	const char	*name = last == NULL ? path : last + 1;
	struct identity	 identity;
	struct stat	 st;

	if (identity_at(hidden->directory, hidden->name, &identity) == -1)
		return 0;
	if (probe(hidden->directory, name, &st) == PROBE_OTHER)
		return refuse(path, EADDRINUSE,
		    "it is there and is not a socket");
	if (renameat(hidden->directory, hidden->name, hidden->directory,
	    name) == -1)
		return refuse(path, errno, NULL);
	return 0;
}

int
sockpath_show(int fd)
{
	struct sockpath	path, shown;
	struct held	held;
	int		status;

	if (path_of(fd, &path) == -1)
		return 0;
	shown = path;
	if (!name_unhide(shown.path))
		return 0;
	if (hold(&held, AT_FDCWD, path.path))
		status = show(&held.entry, shown.path);
	else
		status = refuse(shown.path, errno, NULL);
	return let_go(&held, status);
}

int
sockpath_name(int fd, struct sockaddr *address, socklen_t *size)
{
	struct sockaddr_un	shown;
	struct sockpath		path;
	socklen_t		full;

	if (path_of(fd, &path) == -1 || !name_unhide(path.path))
		return real()->getsockname(fd, address, size);
	memset(&shown, 0, sizeof(shown));
	shown.sun_family = AF_UNIX;
	memcpy(shown.sun_path, path.path, sizeof(shown.sun_path));
	full = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
	    strlen(path.path) + 1);
	memcpy(address, &shown, full < *size ? full : *size);
	*size = full;
	return 0;
}

/* May it be removed?  All but a stream socket that is somebody else's may. */
static bool
is_removable(struct entry *entry)
{
	struct identity	identity;
	struct stat	st;

	return bound_waits(entry) ||
	    identity_at(entry->directory, entry->name, &identity) == -1 ||
	    bound_has(&identity) ||
	    probe(entry->directory, entry->name, &st) != PROBE_LIVE ||
	    probe_is_packets(entry->directory, entry->name);
}

int
sockpath_unlink(int at, const char *path)
{
	struct held	held;
	int		status = 0;

	if (!hold(&held, at, path))
		status = real()->unlinkat(at, path, 0);	/* has an error */
	else if (is_removable(&held.entry))
		status = real()->unlinkat(held.entry.directory,
		    held.entry.name, 0);
	return let_go(&held, status);
}

bool
sockpath_waits(int at, const char *path, struct entry *entry)
{
	const int	error = errno;
	bool		waits;

	place_lock();
	waits = entry_open(entry, at, path) == 0;
	if (waits && !bound_waits(entry)) {
		entry_close(entry);
		waits = false;
	}
	place_unlock();
	errno = error;
	return waits;
}
