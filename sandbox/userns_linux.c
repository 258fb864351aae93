/* SPDX-License-Identifier: ISC */
/*
 * Linux, not started by root: a user namespace in which we are who we were,
 * and CAP_SYS_CHROOT, which children inherit as an ambient capability and
 * give up again right after their chroot (user_namespaces(7),
 * capabilities(7)).  Many systems allow this, some do not.
 */
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/capability.h>

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sandbox.h"

static int
write_file(const char *path, const char *text)
{
	size_t	n = strlen(text);
	ssize_t	written;
	int	fd;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	written = write(fd, text, n);
	if (close(fd) == -1 || written != (ssize_t)n)
		return -1;
	return 0;
}

static int
map_ids(uid_t uid, gid_t gid)
{
	char map[64];

	(void)snprintf(map, sizeof(map), "%u %u 1\n", (unsigned int)uid,
	    (unsigned int)uid);	/* fits: two numbers */
	if (write_file("/proc/self/uid_map", map) == -1 ||
	    write_file("/proc/self/setgroups", "deny") == -1)
		return -1;
	(void)snprintf(map, sizeof(map), "%u %u 1\n", (unsigned int)gid,
	    (unsigned int)gid);
	return write_file("/proc/self/gid_map", map);
}

/* Of all that the namespace gives, only the right to chroot is kept. */
static int
keep_chroot_only(void)
{
	struct __user_cap_header_struct	header;
	struct __user_cap_data_struct	data[2];

	memset(&header, 0, sizeof(header));
	memset(data, 0, sizeof(data));
	header.version = _LINUX_CAPABILITY_VERSION_3;
	data[0].effective = data[0].permitted = data[0].inheritable =
	    1U << CAP_SYS_CHROOT;
	if (syscall(SYS_capset, &header, data) == -1)
		return -1;
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_CHROOT, 0,
	    0);
}

static int
enter_namespace(void)
{
	const uid_t uid = geteuid();
	const gid_t gid = getegid();

	if (unshare(CLONE_NEWUSER) == -1 || map_ids(uid, gid) == -1)
		return -1;
	return keep_chroot_only();
}

/* Tried by a child first: there is no way back out of a namespace. */
static int
would_work(int empty)
{
	pid_t	pid;
	int	status;

	pid = fork();
	if (pid == 0)
		_exit(enter_namespace() == 0 && fchdir(empty) == 0 &&
		    chroot(".") == 0 ? 0 : 1);
	if (pid == -1 || waitpid(pid, &status, 0) != pid)
		return 0;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int
sandbox_chroot_unprivileged(int empty)
{
	return would_work(empty) && enter_namespace() == 0 ? 0 : -1;
}
