/* SPDX-License-Identifier: ISC */
/*
 * Linux: mseal(2), from 6.10 on.  A filter that compares a pointer trusts
 * what is behind it, and munmap(2), which malloc(3) needs, could take the
 * page of constants away for a page of other contents to come in its place.
 */
#include <err.h>
#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include "kernel_linux.h"
#include "sandbox.h"

void
sandbox_seal(const void *start, size_t size)
{
	const uintptr_t	page = (uintptr_t)sysconf(_SC_PAGESIZE);
	const uintptr_t	first = (uintptr_t)start & ~(page - 1);
	const uintptr_t	end = ((uintptr_t)start + size + page - 1) &
			    ~(page - 1);

	/* EPERM, EINVAL: what a kernel says that cannot do it for us. */
	if (syscall(CALL_MSEAL, first, end - first, 0) == -1 &&
	    errno != ENOSYS && errno != EPERM && errno != EINVAL)
		err(1, "sandbox: mseal");
}
