/* SPDX-License-Identifier: ISC */
/*
 * A child's first steps: it gives away every right that it will not need
 * before it sees the first foreign byte.
 */
#include <sys/resource.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../sandbox/sandbox.h"
#include "confine.h"
#include "ids.h"
#include "../common/message.h"

enum { INHERITED_MAX = 2048 };	/* numbers looked at: the launcher's own are
				 * below */

static unsigned long
number(const char *text, char **end)
{
	unsigned long value;

	errno = 0;
	value = strtoul(text, end, 10);
	if (errno != 0 || *end == text || value > INT_MAX)
		errx(1, "%s: not a number", text);
	return value;
}

void
confine_options(struct confinement *confinement, int argc, char *argv[])
{
	char	*end;
	int	 option;

	memset(confinement, 0, sizeof(*confinement));
	confinement->name = argv[0];
	while ((option = getopt(argc, argv, "ce:gi:n:p:")) != -1) {
		switch (option) {
		case 'c':
			confinement->change_root = 1;
			break;
		case 'e':
			confinement->engine = optarg;
			break;
		case 'g':
			confinement->pair = 1;
			break;
		case 'i':
			confinement->uid = (uid_t)number(optarg, &end);
			if (*end != ':')
				errx(1, "%s: not UID:GID", optarg);
			confinement->gid = (gid_t)number(end + 1, &end);
			confinement->change_ids = 1;
			break;
		case 'n':
			confinement->descriptors = number(optarg, &end);
			break;
		case 'p':
			confinement->pipes = number(optarg, &end);
			break;
		default:
			exit(1);
		}
	}
	if (confinement->descriptors == 0)
		errx(1, "started by hand: usherd(8) starts this program");
}

static void
change_root(int privileged)
{
	if (!privileged && sandbox_chroot_begin() == -1)
		err(1, "user namespace");
	if (fchdir(CHILD_EMPTY) == -1)
		err(1, "empty directory");
	if (chroot(".") == -1)
		err(1, "chroot");
	if (chdir("/") == -1)
		err(1, "chdir");
}

/* Everything is closed on exec; one that was not is a hole, not a detail. */
static void
inherited_check(int first)
{
	int fd;

	for (fd = first; fd < INHERITED_MAX; fd++) {
		if (fcntl(fd, F_GETFD) != -1)
			errx(1, "descriptor %d was inherited", fd);
	}
}

static void
limit(int what, rlim_t value)
{
	struct rlimit rl = { value, value };

	if (setrlimit(what, &rl) == -1)
		err(1, "setrlimit");
}

void
confine(const struct confinement *confinement)
{
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		err(1, "signal");
	inherited_check(confinement->pair ? CHILD_FIRST_FREE : CHILD_GRANT);
	if (confinement->change_root)
		change_root(confinement->change_ids);
	if (confinement->change_ids)
		ids_change(confinement->uid, confinement->gid, false);
	limit(RLIMIT_NOFILE, confinement->descriptors);
	limit(RLIMIT_DATA, sandbox_memory((uint64_t)MEMORY_PER_DESCRIPTOR *
	    confinement->descriptors));
	if (!confinement->files)
		limit(RLIMIT_FSIZE, 0);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NPROC, 0);
	sandbox_harden(confinement->name);
	sandbox_landlock();
	if (close(CHILD_EMPTY) == -1)
		err(1, "empty directory");
}

void
confine_fill(void)
{
	int fd;

	for (fd = CHILD_CONTROL; fd < CHILD_FIRST_CLIENT; fd++) {
		if (fcntl(fd, F_GETFD) == -1 &&
		    dup2(STDIN_FILENO, fd) == -1)
			err(1, "descriptor %d", fd);
	}
}

void
confine_silence(void)
{
	if (dup2(STDIN_FILENO, STDERR_FILENO) == -1)
		_exit(1);
}
