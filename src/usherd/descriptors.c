/* SPDX-License-Identifier: ISC */
#include <sys/resource.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "descriptors.h"

enum {
	DESCRIPTORS_MIN = 1024,
	DESCRIPTORS_MAX = 1024 * 1024
};

void
descriptors_stdio(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
		if (fd == -1)
			err(1, "/dev/null");
	} while (fd <= STDERR_FILENO);
	(void)close(fd);	/* none of the three was missing any more */
}

void
descriptors_null(void)
{
	int fd;

	fd = open("/dev/null", O_RDWR);
	if (fd == -1)
		err(1, "/dev/null");
	if (dup2(fd, STDIN_FILENO) == -1 || dup2(fd, STDOUT_FILENO) == -1)
		err(1, "descriptors");
	if (fd > STDERR_FILENO)
		(void)close(fd);	/* its duplicates are in use */
}

int
descriptor_high(int fd)
{
	int high;

	high = fcntl(fd, F_DUPFD_CLOEXEC, LAUNCHER_BASE);
	if (high == -1)
		err(1, "descriptors");
	(void)close(fd);	/* its duplicate is in use */
	return high;
}

int
descriptors_high(int fds[2])
{
	int high[2], error;

	high[0] = fcntl(fds[0], F_DUPFD_CLOEXEC, LAUNCHER_BASE);
	high[1] = fcntl(fds[1], F_DUPFD_CLOEXEC, LAUNCHER_BASE);
	error = errno;
	(void)close(fds[0]);	/* their duplicates are in use, or */
	(void)close(fds[1]);	/* nobody is told of them */
	fds[0] = high[0];
	fds[1] = high[1];
	if (high[0] != -1 && high[1] != -1)
		return 0;
	if (high[0] != -1)
		(void)close(high[0]);
	errno = error;
	return -1;
}

/* The limit that was set is the administrator's; we use all of it. */
unsigned int
descriptors_raise(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		err(1, "RLIMIT_NOFILE");
	if (rl.rlim_max > DESCRIPTORS_MAX)
		rl.rlim_max = DESCRIPTORS_MAX;
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
		err(1, "RLIMIT_NOFILE");
	if (rl.rlim_cur < DESCRIPTORS_MIN)
		errx(1, "only %llu open files allowed, %d needed: ulimit -n",
		    (unsigned long long)rl.rlim_cur, DESCRIPTORS_MIN);
	return (unsigned int)rl.rlim_cur;
}
