/* SPDX-License-Identifier: ISC */
/*
 * Linux: what usherd-http may do beyond what both parsers may.
 */
#include "../src/common/message.h"
#include "seccomp.h"

static const struct rule rules[] = {
	/* message_report() of grants.c */
	ALLOW_IF(write, 1, ARG(0, EQ, CHILD_GRANT)),
	/* progress.c */
	ALLOW_IF(read, 1, ARG(0, EQ, CHILD_PROGRESS)),
};

void
seccomp_allow_protocol(scmp_filter_ctx filter)
{
	seccomp_allow(filter, RULES(rules));
}
