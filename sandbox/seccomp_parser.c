/* SPDX-License-Identifier: ISC */
/*
 * Linux: what a parser may do.  It sees every foreign byte first.
 */
#include <sys/socket.h>

#include "sandbox.h"
#include "seccomp.h"

static const struct rule rules[] = {
	/* peek.c peeks and never takes, and is not told from whom */
	ALLOW_IF(recvfrom, 3, ARG(3, EQ, MSG_PEEK | MSG_DONTWAIT),
	    ARG(4, EQ, 0), ARG(5, EQ, 0)),
};

void
sandbox_enter_parser(void)
{
	scmp_filter_ctx filter;

	filter = seccomp_begin();
	seccomp_allow_base(filter);
	seccomp_allow_close(filter, CHILD_CLOSE_BIT);
	seccomp_allow(filter, RULES(rules));
	seccomp_allow_protocol(filter);
	seccomp_enforce(filter);
}
