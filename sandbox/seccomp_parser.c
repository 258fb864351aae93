/* SPDX-License-Identifier: ISC */
/*
 * Linux: what a parser may do.  It sees every foreign byte first.
 */
#include <sys/socket.h>

#include <stdint.h>

#include "../src/common/message.h"
#include "../src/parser/lowat.h"
#include "sandbox.h"
#include "seccomp.h"

static const struct rule rules[] = {
	/* parser.c peeks and never takes, and is not told from whom */
	ALLOW_IF(recvfrom, 3, ARG(3, EQ, MSG_PEEK | MSG_DONTWAIT),
	    ARG(4, EQ, 0), ARG(5, EQ, 0)),
};

/* grants.c, progress.c */
static const struct rule pair_rules[] = {
	ALLOW_IF(write, 1, ARG(0, EQ, CHILD_GRANT)),
	ALLOW_IF(read, 1, ARG(0, EQ, CHILD_PROGRESS)),
};

/*
 * A parser that was taken over, and keeps its copy of a connection, could have
 * the next who waits for its bytes wait for ever.  A filter cannot look behind
 * a pointer, but it can compare it: with the addresses of constants.
 */
static void
allow_lowat(scmp_filter_ctx filter)
{
	size_t i;

	for (i = 0; i < LOWAT_STEPS; i++) {
		const struct rule step = ALLOW_IF(setsockopt, 4,
		    ARG(1, EQ, SOL_SOCKET), ARG(2, EQ, SO_RCVLOWAT),
		    ARG(3, EQ, (scmp_datum_t)(uintptr_t)&lowat_steps[i]),
		    ARG(4, EQ, sizeof(lowat_steps[i])));

		seccomp_allow(filter, &step, 1);
	}
}

void
sandbox_enter_parser(bool pair)
{
	scmp_filter_ctx filter;

	sandbox_seal(lowat_steps, sizeof(lowat_steps));
	filter = seccomp_begin();
	seccomp_allow_base(filter);
	seccomp_allow_close(filter, CHILD_CLOSE_BIT);
	seccomp_allow(filter, RULES(rules));
	allow_lowat(filter);
	if (pair)
		seccomp_allow(filter, RULES(pair_rules));
	seccomp_enforce(filter);
}
