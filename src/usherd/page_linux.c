/* SPDX-License-Identifier: ISC */
/*
 * Linux: memfd_create(2), sealed; the read-only end is opened by /proc.
 */
#include <sys/mman.h>

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "descriptors.h"
#include "page.h"

void
page_make(int page[2])
{
	char path[32];

	page[0] = memfd_create("usherd", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (page[0] == -1 || ftruncate(page[0], sysconf(_SC_PAGESIZE)) == -1 ||
	    fcntl(page[0], F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW |
	    F_SEAL_SEAL) == -1)
		err(1, "shared memory");
	page[0] = descriptor_high(page[0]);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", page[0]);
	page[1] = open(path, O_RDONLY | O_CLOEXEC);
	if (page[1] == -1)
		err(1, "shared memory: %s", path);
	page[1] = descriptor_high(page[1]);
}
