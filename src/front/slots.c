/* SPDX-License-Identifier: ISC */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "slots.h"

enum { INHERITED_MAX = 2048 };	/* numbers looked at: the launcher's own are
				 * below */

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
slots_make(int first)
{
	int fd;

	for (fd = first; fd < INHERITED_MAX; fd++) {
		if (fcntl(fd, F_GETFD) != -1)
			errx(1, "descriptor %d was inherited", fd);
	}
	null_device = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_device == -1)
		err(1, "/dev/null");
}

void
slots_fill(void)
{
	int fd;

	do {
		fd = duplicate();
		if (fd > SLOTS_BASE)
			errx(1, "too many listeners: fewer than %d "
			    "descriptors of our own", SLOTS_BASE);
	} while (fd < SLOTS_BASE);
	(void)close(fd);	/* the first number of the others */
}

int
slot_new(void)
{
	int slot = duplicate();

	if (slot >= SLOTS_END)
		errx(1, "too many listeners and children: fewer than %d "
		    "descriptors of our own", SLOTS_END);
	return slot;
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

int
slot_nothing(void)
{
	return null_device;
}
