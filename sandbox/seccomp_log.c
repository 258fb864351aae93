/* SPDX-License-Identifier: ISC */
/*
 * Linux: what the log process may do.  It reads the fronts' pipes and pages,
 * and writes stderr.  It has no memory to ask for, and nothing to open, make
 * or send.
 */
#include <sys/mman.h>
#include <sys/socket.h>

#include <unistd.h>

#include "../src/common/counters.h"
#include "../src/common/message.h"
#include "sandbox.h"
#include "seccomp.h"

static const struct rule rules[] = {
	/* main.c: the loop; lines.c: is there room?  Where there is no
	 * poll(2), ppoll(2) without a signal mask. */
	ALLOW(poll),
	ALLOW_IF(ppoll, 1, ARG(3, EQ, 0)),
	ALLOW(restart_syscall),
	/* main.c: orders of the launcher, with descriptors */
	ALLOW_IF(recvmsg, 2, ARG(0, EQ, CHILD_CONTROL),
	    ARG(2, EQ, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)),
	/* shards.c: records; forbidden[] has the lower end */
	ALLOW_IF(read, 1, ARG(0, LT, LOG_DESCRIPTORS_END)),
	/* shards.c: pages of counters, never to be written */
	ALLOW_IF(mmap, 4, ARG(0, EQ, 0), ARG(1, EQ, COUNTERS_SIZE),
	    ARG(2, EQ, PROT_READ), ARG(3, EQ, MAP_SHARED)),
	/* main.c: requests; lines.c: lines */
	ALLOW_IF(write, 1, ARG(0, EQ, CHILD_REPORT)),
	ALLOW_IF(write, 1, ARG(0, EQ, STDERR_FILENO)),
	/* shards.c: when the vDSO cannot read the clock source */
	ALLOW(clock_gettime),
	/* shards.c, and free(3) of what the making of the filter took */
	ALLOW(munmap),
	ALLOW(brk),
	ALLOW(exit_group),
};

/* The launcher's orders are taken as messages only. */
static const struct rule forbidden[] = {
	FORBID_IF(read, 1, BELOW(0, LOG_FIRST_FREE)),
};

enum { CLOSE_BIT = 3 };

_Static_assert(LOG_FIRST_FREE == 1 << CLOSE_BIT, "close(2)");

void
sandbox_enter_log(void)
{
	scmp_filter_ctx filter;

	seccomp_forbid(RULES(forbidden));
	filter = seccomp_begin();
	seccomp_allow_close(filter, CLOSE_BIT);
	seccomp_allow(filter, RULES(rules));
	seccomp_enforce(filter);
}
