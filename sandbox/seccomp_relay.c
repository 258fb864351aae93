/* SPDX-License-Identifier: ISC */
/*
 * Linux: what a relay may do.  It moves bytes and cannot look at them:
 * splice(2) into a pipe is allowed, but nothing that reads one.  It cannot
 * say anything of its own to a client, a tenant or the parent but the answers
 * that it was compiled with.
 */
#include <sys/socket.h>

#include "sandbox.h"
#include "seccomp.h"
#include "seccomp_rules.h"

static const struct rule rules[] = {
	RULE_SPLICE,
	RULE_PIPE,
	RULE_PIPE_SIZE,
	RULE_PIPE_RESIZE,
	RULE_DISCARD,
	RULE_MEMINFO,
	RULE_SHUTDOWN,
	RULE_POLL,
	RULE_ATMARK,
	RULE_UNREAD,
};

/* The parent reads what is in CHILD_REPORT: no client's bytes into that, and
 * none of its messages to a client. */
static const struct rule forbidden[] = {
	FORBID_IF(splice, 1, BELOW(0, CHILD_FIRST_CLIENT)),
	FORBID_IF(splice, 1, BELOW(2, CHILD_FIRST_CLIENT)),
	FORBID_IF(sendto, 1, BELOW(0, CHILD_FIRST_CLIENT)),
};

static void
allow_constants(scmp_filter_ctx filter,
    const struct sandbox_constant *constants, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		const struct rule send = ALLOW_IF(sendto, 4,
		    ARG(1, EQ, (scmp_datum_t)(uintptr_t)constants[i].bytes),
		    ARG(2, EQ, constants[i].size),
		    ARG(3, EQ, MSG_NOSIGNAL | MSG_DONTWAIT),
		    ARG(4, EQ, 0));

		seccomp_allow(filter, &send, 1);
	}
}

void
sandbox_enter_relay(const struct sandbox_constant *constants, size_t n)
{
	scmp_filter_ctx filter;

	seccomp_forbid(RULES(forbidden));
	filter = seccomp_begin();
	seccomp_allow_base(filter);
	seccomp_allow_close(filter, CHILD_CLOSE_BIT);
	seccomp_allow(filter, RULES(rules));
	allow_constants(filter, constants, n);
	seccomp_enforce(filter);
}
