/* SPDX-License-Identifier: ISC */
/*
 * Tried by the launcher, in a child that ends with it.  A file of its own: what
 * children are linked from does not fork.
 */
#include <sys/wait.h>

#include <unistd.h>

#include "sandbox.h"

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
