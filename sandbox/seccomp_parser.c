/* SPDX-License-Identifier: ISC */
/*
 * Linux: what a parser may do.  It sees every foreign byte first.
 */
#include <sys/socket.h>

#include <stdint.h>

#include "../src/parser/lowat.h"
#include "sandbox.h"
#include "seccomp.h"
#include "seccomp_rules.h"

static const struct rule rules[] = {
	RULE_PEEK,
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
sandbox_enter_parser(void)
{
	scmp_filter_ctx filter;

	filter = seccomp_begin();
	seccomp_allow_base(filter);
	seccomp_allow_close(filter, CHILD_CLOSE_BIT);
	seccomp_allow(filter, RULES(rules));
	allow_lowat(filter);
	seccomp_enforce(filter);
}
