/* SPDX-License-Identifier: ISC */
#include <err.h>
#include <grp.h>
#include <unistd.h>

#include "ids.h"

/* The uid must not come back: tried, not assumed. */
void
ids_change(uid_t uid, gid_t gid, bool groups)
{
	uid_t	real, effective, saved;
	gid_t	rgid, egid, sgid;

	if (uid == 0 || gid == 0)
		errx(1, "refusing to run as root");
	if (!groups && setgroups(0, NULL) == -1)
		err(1, "setgroups");
	if (setresgid(gid, gid, gid) == -1)
		err(1, "setresgid");
	if (setresuid(uid, uid, uid) == -1)
		err(1, "setresuid");
	if (getresuid(&real, &effective, &saved) == -1 ||
	    getresgid(&rgid, &egid, &sgid) == -1)
		err(1, "getresuid");
	if (real != uid || effective != uid || saved != uid ||
	    rgid != gid || egid != gid || sgid != gid ||
	    (!groups && getgroups(0, NULL) != 0))
		errx(1, "ids did not change");
	if (setresuid((uid_t)-1, 0, (uid_t)-1) != -1 || setgid(0) != -1)
		errx(1, "root came back");
}
