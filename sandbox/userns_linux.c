/* SPDX-License-Identifier: ISC */
/*
 * Linux, not started by root: a child that makes a user namespace of its own
 * may chroot in it (user_namespaces(7)), and gives that right up again with
 * all others.  It makes the namespace after its exec: a process that was
 * executed inside of one belongs, dumpable or not, to whoever made it.
 * Many systems allow this, some do not.
 */
#include <sys/wait.h>

#include <sched.h>
#include <unistd.h>

#include "sandbox.h"

int
sandbox_chroot_begin(void)
{
	return unshare(CLONE_NEWUSER);
}

int
sandbox_chroot_allowed(int empty)
{
	pid_t	pid;
	int	status;

	pid = fork();
	if (pid == 0)
		_exit(sandbox_chroot_begin() == 0 && fchdir(empty) == 0 &&
		    chroot(".") == 0 ? 0 : 1);
	if (pid == -1 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}
