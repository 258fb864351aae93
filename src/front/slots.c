/* SPDX-License-Identifier: ISC */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "../common/message.h"
#include "../usherd/inherited.h"
#include "slots.h"

static int null_device = -1;

static int
duplicate(void)
{
	int fd;

	fd = fcntl(null_device, F_DUPFD_CLOEXEC, 0);
	if (fd == -1)
		err(1, "descriptors");
	return fd;
}

void
slots_stdio(void)
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
slots_inherited(void)
{
	if (inherited_cloexec(STDERR_FILENO + 1) == -1)
		err(1, "inherited descriptors");
}

int
slot_fix(int fd)
{
	int fixed;

	fixed = fcntl(fd, F_DUPFD_CLOEXEC, SLOTS_FIXED);
	if (fixed == -1)
		err(1, "descriptors");
	if (fixed >= SLOTS_BASE)
		errx(1, "too many inherited descriptors");
	(void)close(fd);	/* its duplicate is in use */
	return fixed;
}

void
slots_reserve(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd == -1)
			err(1, "/dev/null");
	} while (fd < CHILD_FIRST_FREE);
	null_device = fd;
	if (dup2(fd, STDIN_FILENO) == -1 || dup2(fd, STDOUT_FILENO) == -1)
		err(1, "descriptors");
}

void
slots_fill(void)
{
	int fd;

	do {
		fd = duplicate();
		if (fd > SLOTS_BASE)
			errx(1, "too many listeners and children: fewer than "
			    "%d descriptors of our own", SLOTS_BASE);
	} while (fd < SLOTS_BASE);
	(void)close(fd);	/* the first number of the others */
}

int
slot_new(void)
{
	return duplicate();
}

void
slot_put(int slot, int fd)
{
	if (dup3(fd, slot, O_CLOEXEC) == -1)
		err(1, "descriptors");
	(void)close(fd);	/* its duplicate is in use */
}

void
slot_empty(int slot)
{
	if (dup3(null_device, slot, O_CLOEXEC) == -1)
		err(1, "descriptors");
}
