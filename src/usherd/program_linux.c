/* SPDX-License-Identifier: ISC */
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "descriptors.h"
#include "program.h"

/* Gives -1 when it is not beside this program. */
static int
open_beside(const char *name)
{
	char	 path[PATH_MAX], *slash;
	ssize_t	 n;
	size_t	 room;

	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (n == -1)
		return -1;
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL)
		return -1;
	room = sizeof(path) - (size_t)(slash + 1 - path);
	if (strlen(name) >= room)
		return -1;
	memcpy(slash + 1, name, strlen(name) + 1);
	return open(path, O_PATH | O_CLOEXEC);
}

int
program_open(const char *name)
{
	char	path[PATH_MAX];
	int	fd, n;

	fd = open_beside(name);
	if (fd != -1)
		return descriptor_high(fd);
	n = snprintf(path, sizeof(path), "%s/%s", LIBEXECDIR, name);
	if (n < 0 || (size_t)n >= sizeof(path))
		errx(1, "%s: path too long", name);
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd == -1)
		err(1, "%s (neither beside usherd nor in %s)", name,
		    LIBEXECDIR);
	return descriptor_high(fd);
}

void
program_execute(int program, const char *const argv[])
{
	static char *const nothing[] = { NULL };

	(void)syscall(SYS_execveat, program, "", argv, nothing,
	    AT_EMPTY_PATH);
}

void
program_self(char *path, size_t size)
{
	ssize_t n;

	n = readlink("/proc/self/exe", path, size - 1);
	if (n == -1 && errno == ENOENT)
		errx(1, "/proc is not mounted: our other programs are found, "
		    "and tenants' sockets connected to, by it");
	if (n == -1)
		err(1, "/proc/self/exe");
	path[n] = '\0';
}

int
program_end_with_parent(void)
{
	return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}
