/* SPDX-License-Identifier: ISC */
/*
 * Linux: what usherd-tls may do beyond what both parsers may.
 */
#include <sys/socket.h>

#include <stdint.h>

#include "../src/parser/lowat.h"
#include "sandbox.h"
#include "seccomp.h"

/*
 * A parser that was taken over, and keeps its copy of a connection, could have
 * the next who waits for its bytes wait for ever.  A filter cannot look behind
 * a pointer, but it can compare it: with the addresses of constants.
 */
void
seccomp_allow_protocol(scmp_filter_ctx filter)
{
	size_t i;

	sandbox_seal(lowat_steps, sizeof(lowat_steps));
	for (i = 0; i < LOWAT_STEPS; i++) {
		const struct rule step = ALLOW_IF(setsockopt, 4,
		    ARG(1, EQ, SOL_SOCKET), ARG(2, EQ, SO_RCVLOWAT),
		    ARG(3, EQ, (scmp_datum_t)(uintptr_t)&lowat_steps[i]),
		    ARG(4, EQ, sizeof(lowat_steps[i])));

		seccomp_allow(filter, &step, 1);
	}
}
