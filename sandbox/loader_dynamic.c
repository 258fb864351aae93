/* SPDX-License-Identifier: ISC */
/*
 * Linux, builds that are not shipped: dynamic children, as the sanitizers
 * need them.  Their filters get what the sanitizers' runtime does while it
 * runs.
 */
#include <sys/mman.h>
#include <sys/resource.h>

#include <unistd.h>

#include "sandbox.h"
#include "seccomp.h"

static const struct rule runtime_rules[] = {
	ALLOW_IF(mmap, 1, ARG(2, EQ, PROT_READ | PROT_WRITE)),
	ALLOW_IF(mmap, 1, ARG(2, EQ, PROT_NONE)),
	ALLOW_IF(mprotect, 1, ARG(2, EQ, PROT_READ | PROT_WRITE)),
	ALLOW_IF(mprotect, 1, ARG(2, EQ, PROT_NONE)),
	ALLOW(madvise),
	ALLOW(sched_yield),
	ALLOW(futex),
	ALLOW(getpid),
	ALLOW(gettid),
	ALLOW(sigaltstack),
	ALLOW(rt_sigprocmask),
	ALLOW_IF(write, 1, ARG(0, EQ, STDERR_FILENO)),
};

void
seccomp_allow_runtime(scmp_filter_ctx filter)
{
	seccomp_allow(filter, RULES(runtime_rules));
}

/* The sanitizers' shadows of memory have no limit that would be of use. */
uint64_t
sandbox_memory(uint64_t tables)
{
	(void)tables;
	return RLIM_INFINITY;
}
