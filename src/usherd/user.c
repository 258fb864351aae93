/* SPDX-License-Identifier: ISC */
#include <err.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user.h"

#define DEFAULT_USER	"_usherd"

enum { GROUPS_MAX = 65536 };	/* NGROUPS_MAX of Linux */

/* getgrouplist(3) says how many there are when it has no room for them. */
static void
groups_find(struct user *user, const char *name)
{
	int n = 64;

	for (;;) {
		user->groups = reallocarray(user->groups, (size_t)n,
		    sizeof(*user->groups));
		if (user->groups == NULL)
			errx(1, "out of memory");
		if (getgrouplist(name, user->gid, user->groups, &n) != -1)
			break;
		if (n > GROUPS_MAX)
			errx(1, "groups of %s: too many", name);
	}
	user->ngroups = (size_t)n;
}

void
user_find(struct user *user, const char *name)
{
	const struct passwd *pw;

	memset(user, 0, sizeof(*user));
	user->root = geteuid() == 0;
	user->uid = geteuid();
	user->gid = getegid();
	if (!user->root && name == NULL)
		return;
	if (name == NULL)
		name = DEFAULT_USER;
	pw = getpwnam(name);
	if (pw == NULL)
		errx(1, "no user %s: create it (useradd -r -s /bin/false %s), "
		    "or name another with -u", name, name);
	if (pw->pw_uid == 0 || pw->pw_gid == 0)
		errx(1, "-u %s: must not be root", name);
	if (!user->root && pw->pw_uid != user->uid)
		errx(1, "-u %s: only root can become another user", name);
	user->uid = pw->pw_uid;
	user->gid = pw->pw_gid;
	if (user->root)
		groups_find(user, name);
}
