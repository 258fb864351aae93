/* SPDX-License-Identifier: ISC */
/*
 * Linux: what a parser may do.  It sees every foreign byte first.
 */
#include <sys/socket.h>

#include "sandbox.h"
#include "seccomp.h"
#include "seccomp_rules.h"

static const struct rule rules[] = {
	RULE_PEEK,
	RULE_RCVLOWAT,
};

void
sandbox_enter_parser(void)
{
	scmp_filter_ctx filter;

	filter = seccomp_begin();
	seccomp_allow_base(filter);
	seccomp_allow_close(filter, CHILD_CLOSE_BIT);
	seccomp_allow(filter, RULES(rules));
	seccomp_enforce(filter);
}
