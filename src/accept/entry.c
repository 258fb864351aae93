/* SPDX-License-Identifier: ISC */
#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "entry.h"

enum {
	LOCK_TRIES = 50,	/* a hundredth of a second each */
	LOCK_NS = 10 * 1000 * 1000
};

int
entry_open(struct entry *entry, int at, const char *path)
{
	char		 above[PATH_MAX];
	const char	*last = strrchr(path, '/');
	size_t		 n = 0;

	if (last != NULL)
		n = (size_t)(last + 1 - path);	/* with it: it may be / */
	if (n >= sizeof(above) || strlen(path + n) > NAME_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(above, path, n);
	above[n] = '\0';
	(void)snprintf(entry->name, sizeof(entry->name), "%s", path + n);
	entry->directory = openat(at, n == 0 ? "." : above,
	    O_PATH | O_DIRECTORY | O_CLOEXEC);
	return entry->directory == -1 ? -1 : 0;
}

void
entry_close(struct entry *entry)
{
	const int error = errno;

	(void)close(entry->directory);	/* O_PATH */
	entry->directory = -1;
	errno = error;
}

int
entry_lock(int directory)
{
	const struct timespec	moment = { 0, LOCK_NS };
	const int		error = errno;
	int			lock, tries;

	lock = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (tries = 0; lock != -1 && tries < LOCK_TRIES &&
	    flock(lock, LOCK_EX | LOCK_NB) == -1; tries++)
		(void)nanosleep(&moment, NULL);
	errno = error;
	return lock;
}

void
entry_unlock(int lock)
{
	const int error = errno;

	if (lock != -1)
		(void)close(lock);	/* read only; this gives it up */
	errno = error;
}

int
identity_at(int directory, const char *name, struct identity *identity)
{
	struct statx found;

	if (statx(directory, name, AT_SYMLINK_NOFOLLOW,
	    STATX_INO | STATX_BTIME, &found) == -1)
		return -1;
	memset(identity, 0, sizeof(*identity));
	identity->major = found.stx_dev_major;
	identity->minor = found.stx_dev_minor;
	identity->inode = found.stx_ino;
	if ((found.stx_mask & STATX_BTIME) == 0)
		return 0;
	identity->born = found.stx_btime.tv_sec;
	identity->born_ns = found.stx_btime.tv_nsec;
	return 0;
}

bool
identity_same(const struct identity *a, const struct identity *b)
{
	return a->major == b->major && a->minor == b->minor &&
	    a->inode == b->inode && a->born == b->born &&
	    a->born_ns == b->born_ns;
}
