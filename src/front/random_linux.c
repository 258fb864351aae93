/* SPDX-License-Identifier: ISC */
/*
 * Linux: getrandom(2) itself.  getrandom(3) of glibc 2.41 keeps a state for
 * each thread, and makes it at that thread's first question: it blocks
 * signals and maps memory of a new kind, which a filter does not know.
 */
#include <sys/syscall.h>

#include <unistd.h>

#include "random.h"

int
random_take(void *bytes, size_t n)
{
	return syscall(SYS_getrandom, bytes, n, 0U) == (long)n ? 0 : -1;
}
