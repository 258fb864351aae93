/* SPDX-License-Identifier: ISC */
/*
 * libusher-accept.so, for LD_PRELOAD: what servers do to the path of a socket
 * of theirs.  Each looks at the end of the path first, and is the C library's
 * function where that is not "-handoff".
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "name.h"
#include "real.h"
#include "sockpath.h"

#define EXPORTED __attribute__((visibility("default")))

/* NULL: the kernel has an error for it.  The headers say that it is never. */
static bool
is_ours(const char *volatile path)
{
	return path != NULL && name_is_handoff(path);
}

EXPORTED int
unlink(const char *path)
{
	return is_ours(path) ? sockpath_unlink(AT_FDCWD, path) :
	    real()->unlink(path);
}

EXPORTED int
unlinkat(int at, const char *path, int flags)
{
	return flags == 0 && is_ours(path) ? sockpath_unlink(at, path) :
	    real()->unlinkat(at, path, flags);
}

/* A directory may be called so, too. */
EXPORTED int
remove(const char *path)
{
	struct stat st;

	if (is_ours(path) && lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		return sockpath_unlink(AT_FDCWD, path);
	return real()->remove(path);
}

/* The same for what waits: it is no symbolic link, so flags do not matter. */
static int
change_mode(struct entry *entry, mode_t mode)
{
	const int status = real()->fchmodat(entry->directory, entry->name,
	    mode, 0);

	entry_close(entry);
	return status;
}

EXPORTED int
chmod(const char *path, mode_t mode)
{
	struct entry entry;

	if (!is_ours(path) || !sockpath_waits(AT_FDCWD, path, &entry))
		return real()->chmod(path, mode);
	return change_mode(&entry, mode);
}

EXPORTED int
fchmodat(int at, const char *path, mode_t mode, int flags)
{
	struct entry entry;

	if (!is_ours(path) || !sockpath_waits(at, path, &entry))
		return real()->fchmodat(at, path, mode, flags);
	return change_mode(&entry, mode);
}

static int
change_owner(struct entry *entry, uid_t user, gid_t group)
{
	const int status = real()->fchownat(entry->directory, entry->name,
	    user, group, AT_SYMLINK_NOFOLLOW);

	entry_close(entry);
	return status;
}

EXPORTED int
chown(const char *path, uid_t user, gid_t group)
{
	struct entry entry;

	if (!is_ours(path) || !sockpath_waits(AT_FDCWD, path, &entry))
		return real()->chown(path, user, group);
	return change_owner(&entry, user, group);
}

EXPORTED int
lchown(const char *path, uid_t user, gid_t group)
{
	struct entry entry;

	if (!is_ours(path) || !sockpath_waits(AT_FDCWD, path, &entry))
		return real()->lchown(path, user, group);
	return change_owner(&entry, user, group);
}

EXPORTED int
fchownat(int at, const char *path, uid_t user, gid_t group, int flags)
{
	struct entry entry;

	if (!is_ours(path) || !sockpath_waits(at, path, &entry))
		return real()->fchownat(at, path, user, group, flags);
	return change_owner(&entry, user, group);
}
