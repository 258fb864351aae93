/* SPDX-License-Identifier: ISC */
/*
 * Linux: what a relay may do.  It moves bytes and cannot look at them:
 * splice(2) into a pipe is allowed, but nothing that reads one.  It cannot
 * say anything of its own to a client, a tenant or the front but the answers
 * that it was compiled with.
 */
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>

#include "../src/common/message.h"
#include "../src/relay/mover.h"
#include "sandbox.h"
#include "seccomp.h"

static const struct rule rules[] = {
	/* mover_linux.c: bytes, its pipes and how much they and a receiver
	 * take */
	ALLOW_IF(splice, 3, ARG(1, EQ, 0), ARG(3, EQ, 0),
	    ARG(5, EQ, SPLICE_F_NONBLOCK | SPLICE_F_MOVE)),
	ALLOW_IF(pipe2, 1, ARG(1, EQ, O_CLOEXEC | O_NONBLOCK)),
	ALLOW_IF(fcntl, 1, ARG(1, EQ, F_GETPIPE_SZ)),
	ALLOW_IF(fcntl, 2, ARG(1, EQ, F_SETPIPE_SZ),
	    ARG(2, LE, MOVER_PIPE_GROWN)),
	ALLOW_IF(getsockopt, 2, ARG(1, EQ, SOL_SOCKET),
	    ARG(2, EQ, SO_MEMINFO)),
	/* run.c discards unseen.  On TCP, MSG_TRUNC throws the bytes away;
	 * the null pointer is there for sockets on which it would not. */
	ALLOW_IF(recvfrom, 4, ARG(1, EQ, 0),
	    ARG(3, EQ, MSG_TRUNC | MSG_DONTWAIT), ARG(4, EQ, 0),
	    ARG(5, EQ, 0)),
	/* run.c, half-close; pair.c, goodbye */
	ALLOW_IF(shutdown, 1, ARG(1, EQ, SHUT_WR)),
	/* pair.c, when it ends */
	ALLOW_IF(shutdown, 1, ARG(1, EQ, SHUT_RDWR)),
	/* run.c asks whether a side is gone for good, or has more.  Where
	 * there is no poll(2), ppoll(2): its time is behind a pointer, but it
	 * gets no signal mask. */
	{ EITHER(poll, ppoll), 2, { ARG(1, EQ, 1),
	    ARG(SCMP_SYS(poll) >= 0 ? 2 : 3, EQ, 0) } },
	/* pair.c, sockatmark(3): splice(2) cannot pass an urgent byte */
	ALLOW_IF(ioctl, 1, ARG(1, EQ, SIOCATMARK)),
	/* run.c asks whether a client that has ended had sent more */
	ALLOW_IF(ioctl, 1, ARG(1, EQ, FIONREAD)),
};

/* granted.c, told.c */
static const struct rule pair_rules[] = {
	ALLOW_IF(read, 1, ARG(0, EQ, CHILD_GRANT)),
	ALLOW_IF(write, 1, ARG(0, EQ, CHILD_PROGRESS)),
};

/* The front reads what is in CHILD_REPORT: no client's bytes into that, and
 * none of its messages to a client. */
static const struct rule forbidden[] = {
	FORBID_IF(splice, 1, BELOW(0, CHILD_FIRST_CLIENT)),
	FORBID_IF(splice, 1, BELOW(2, CHILD_FIRST_CLIENT)),
	FORBID_IF(sendto, 1, BELOW(0, CHILD_FIRST_CLIENT)),
};

/* mover_linux.c: to that constant, which is known by its address. */
static void
allow_bound(scmp_filter_ctx filter)
{
	const struct rule bound = ALLOW_IF(setsockopt, 4,
	    ARG(1, EQ, IPPROTO_TCP), ARG(2, EQ, TCP_NOTSENT_LOWAT),
	    ARG(3, EQ, (scmp_datum_t)(uintptr_t)&mover_notsent),
	    ARG(4, EQ, sizeof(mover_notsent)));

	sandbox_seal(&mover_notsent, sizeof(mover_notsent));
	seccomp_allow(filter, &bound, 1);
}

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

		sandbox_seal(constants[i].bytes, constants[i].size);
		seccomp_allow(filter, &send, 1);
	}
}

void
sandbox_enter_relay(const struct sandbox_constant *constants, size_t n,
    bool pair)
{
	scmp_filter_ctx filter;

	seccomp_forbid(RULES(forbidden));
	filter = seccomp_begin();
	seccomp_allow_base(filter);
	seccomp_allow_close(filter, CHILD_CLOSE_BIT);
	seccomp_allow(filter, RULES(rules));
	allow_constants(filter, constants, n);
	allow_bound(filter);
	if (pair)
		seccomp_allow(filter, RULES(pair_rules));
	seccomp_enforce(filter);
}
