/* SPDX-License-Identifier: ISC */
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../sandbox/sandbox.h"
#include "../front/log.h"
#include "privilege.h"

#define DEFAULT_USER	"_usherd"

void
privilege_find(struct privilege *privilege, const char *user)
{
	const struct passwd *pw;

	memset(privilege, 0, sizeof(*privilege));
	privilege->root = geteuid() == 0;
	privilege->uid = geteuid();
	privilege->gid = getegid();
	if (!privilege->root && user == NULL)
		return;
	if (user == NULL)
		user = DEFAULT_USER;
	pw = getpwnam(user);
	if (pw == NULL)
		errx(1, "no user %s: create it (useradd -r -s /bin/false %s), "
		    "or name another with -u", user, user);
	if (pw->pw_uid == 0 || pw->pw_gid == 0)
		errx(1, "-u %s: must not be root", user);
	if (!privilege->root && pw->pw_uid != privilege->uid)
		errx(1, "-u %s: only root can become another user", user);
	privilege->uid = pw->pw_uid;
	privilege->gid = pw->pw_gid;
	if (privilege->root && initgroups(user, pw->pw_gid) == -1)
		err(1, "groups of %s", user);
}

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

/*
 * A directory that is already removed: it is empty and stays so, because
 * nothing can be made in it any more, and it needs no place in the system but
 * for a moment.
 */
static int
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

void
privilege_lower(struct privilege *privilege)
{
	privilege->empty = empty_directory();
	privilege->chroot = privilege->root ||
	    sandbox_chroot_allowed(privilege->empty) == 0;
	if (!privilege->chroot)
		log_line("no empty root directory for children: not root, and "
		    "no user namespaces allowed here");
	if (!privilege->root)
		return;
	/* The real and saved ids stay root's: only a child takes the way
	 * back, and only to leave it for good (confine.c). */
	if (setegid(privilege->gid) == -1 || seteuid(privilege->uid) == -1)
		err(1, "becoming an unprivileged user");
}

void
privilege_raise(const struct privilege *privilege)
{
	if (privilege->root && (seteuid(0) == -1 || setegid(0) == -1))
		_exit(1);
}
