/* SPDX-License-Identifier: ISC */
/*
 * Linux: what a relay may do.  It moves bytes and cannot look at them:
 * splice(2) into a pipe is allowed, but nothing that reads one.
 */
#include "sandbox.h"
#include "seccomp.h"
#include "seccomp_rules.h"

static const struct rule rules[] = {
	RULE_SPLICE,
	RULE_PIPE,
	RULE_PIPE_GROW,
	RULE_DISCARD,
	RULE_SEND,
	RULE_SHUTDOWN,
	RULE_POLL,
	RULE_PPOLL,
	RULE_ATMARK,
	RULE_UNREAD,
};

void
sandbox_enter_relay(void)
{
	scmp_filter_ctx filter;

	filter = seccomp_begin();
	seccomp_allow_base(filter);
	seccomp_allow_close(filter, CHILD_CLOSE_BIT);
	seccomp_allow(filter, RULES(rules));
	seccomp_enforce(filter);
}
