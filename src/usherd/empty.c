/* SPDX-License-Identifier: ISC */
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "empty.h"

/* Gives -1 with errno when there is no place for one here. */
static int
empty_make(const char *place)
{
	char	path[PATH_MAX];
	int	fd, n, error;

	n = snprintf(path, sizeof(path), "%s/usherd.XXXXXXXX", place);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (mkdtemp(path) == NULL)
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd != -1 && fchmod(fd, S_IXUSR | S_IXGRP | S_IXOTH) == 0 &&
	    rmdir(path) == 0)
		return fd;
	error = errno;
	(void)rmdir(path);	/* a second try cannot hurt */
	if (fd != -1)
		(void)close(fd);	/* of no use */
	errno = error;
	return -1;
}

/* No signal may end us while it is there, or it would stay for ever. */
static int
empty_made_in(const char *place)
{
	sigset_t	all, before;
	int		fd, error;

	(void)sigfillset(&all);		/* cannot fail */
	if (sigprocmask(SIG_BLOCK, &all, &before) == -1)
		return -1;
	fd = empty_make(place);
	error = errno;
	if (sigprocmask(SIG_SETMASK, &before, NULL) == -1)
		err(1, "signals");
	errno = error;
	return fd;
}

int
empty_directory(void)
{
	const char *const	places[] = {
		"/tmp", "/run", "/var/tmp", "/dev/shm",
		/* A service's RuntimeDirectory=, where it has one, and a
		 * user's own. */
		getenv("RUNTIME_DIRECTORY"), getenv("XDG_RUNTIME_DIR")
	};
	size_t			i;
	int			fd;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		fd = places[i] == NULL ? -1 : empty_made_in(places[i]);
		if (fd != -1)
			return fd;
	}
	errx(1, "no place for an empty directory, which becomes the root of "
	    "children: tried /tmp, /run, /var/tmp, /dev/shm, and those that "
	    "RUNTIME_DIRECTORY and XDG_RUNTIME_DIR name");
}
