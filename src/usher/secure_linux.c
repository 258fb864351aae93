/* SPDX-License-Identifier: ISC */
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include <linux/capability.h>

#include <endian.h>
#include <string.h>
#include <unistd.h>

#include "secure.h"

/*
 * The rules are those of bprm_fill_uid() in Linux's fs/exec.c and
 * cap_bprm_creds_from_file() in security/commoncap.c.  What a security module
 * decides when it changes the domain (SELinux, AppArmor) is not known here.
 */

/*
 * Not the bit is what counts, but whose it makes us: a set-user-ID file of
 * our own changes nothing.
 */
static int
ids_differ(const struct stat *file, int setid)
{
	uid_t	uid = geteuid();
	gid_t	gid = getegid();

	if (setid && (file->st_mode & S_ISUID) != 0)
		uid = file->st_uid;
	/* Without the group's x it is a mark of mandatory locking. */
	if (setid && (file->st_mode & S_ISGID) != 0 &&
	    (file->st_mode & S_IXGRP) != 0)
		gid = file->st_gid;
	return uid != getuid() || gid != getgid();
}

/*
 * With the effective flag the file counts as privileged whatever it then
 * gets; without it, if there is something to get: from the permitted set, for
 * the inheritable one needs a user who has been given such capabilities.
 */
static int
capabilities_given(int fd, int no_more)
{
	struct vfs_ns_cap_data file;

	memset(&file, 0, sizeof(file));
	if (fgetxattr(fd, "security.capability", &file, sizeof(file)) == -1)
		return 0;
	if ((le32toh(file.magic_etc) & VFS_CAP_FLAGS_EFFECTIVE) != 0)
		return 1;
	return !no_more &&
	    (file.data[0].permitted != 0 || file.data[1].permitted != 0);
}

enum verdict
secure_check(int fd)
{
	struct statvfs	system;
	struct stat	file;
	int		no_more, nosuid;

	if (fstat(fd, &file) == -1 || fstatvfs(fd, &system) == -1)
		return PROGRAM_UNREADABLE;
	nosuid = (system.f_flag & ST_NOSUID) != 0;
	no_more = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
	if (ids_differ(&file, !nosuid && !no_more))
		return PROGRAM_SETID;
	/* Root has all capabilities without the file. */
	if (getuid() != 0 && !nosuid && capabilities_given(fd, no_more))
		return PROGRAM_CAPABILITIES;
	return PROGRAM_FINE;
}
