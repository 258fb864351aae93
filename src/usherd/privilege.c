/* SPDX-License-Identifier: ISC */
#include <sys/stat.h>

#include <err.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../sandbox/sandbox.h"
#include "log.h"
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

/*
 * A directory that is already removed: it is empty and stays so, because
 * nothing can be made in it any more, and it needs no place in the system.
 */
static int
empty_directory(void)
{
	char		 path[] = "/tmp/usherd.XXXXXXXX";
	int		 fd;

	if (mkdtemp(path) == NULL)
		err(1, "%s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || fchmod(fd, S_IXUSR | S_IXGRP | S_IXOTH) == -1 ||
	    rmdir(path) == -1)
		err(1, "%s", path);
	return fd;
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
