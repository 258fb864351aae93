/* SPDX-License-Identifier: ISC */
/*
 * Linux: what a front may do.  It accepts, looks up below hosts/, connects to
 * what it found there, passes descriptors on and writes records; it opens
 * nothing else, sends nobody a signal and makes no process.  It reads from
 * descriptors of its own only, which have the numbers below SLOTS_BASE.
 */
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "../src/common/message.h"
#include "../src/front/linux.h"
#include "../src/front/slots.h"
#include "sandbox.h"
#include "seccomp.h"

enum {
	LOG_PIPE = 5,
	FIRST_LISTENER = 8,	/* below: control, requests, log, counters,
				 * hosts/ */
	CLOSE_BIT = 9
};

_Static_assert(1 << CLOSE_BIT == SLOTS_BASE, "close(2) and slots");
_Static_assert((int)HOSTS_CONNECTORS_END <= (int)SLOTS_BASE,
    "connectors are among our own");

/* A pointer, as a filter sees it. */
#define AT(constant)	((scmp_datum_t)(uintptr_t)(constant))

static const struct rule rules[] = {
	/* listener.c */
	ALLOW_IF(accept4, 2, ARG(0, LT, HOSTS_CONNECTORS_FIRST),
	    ARG(3, EQ, SOCK_NONBLOCK | SOCK_CLOEXEC)),
	ALLOW(getsockname),
	/* channel.c: reports; query.c: its pipes.  The log, requests and
	 * hosts/ cannot be read anyway, control only by recvmsg(2). */
	ALLOW_IF(read, 1, ARG(0, LT, HOSTS_CONNECTORS_FIRST)),
	/* log.c: a record, or nothing */
	ALLOW_IF(write, 1, ARG(0, EQ, LOG_PIPE)),
	/* err(3): it is /dev/null by now */
	ALLOW_IF(write, 1, ARG(0, EQ, STDERR_FILENO)),
	/* hosts_linux.c: hosts_connect() */
	ALLOW_IF(socket, 3, ARG(0, EQ, AF_UNIX),
	    ARG(1, EQ, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC),
	    ARG(2, EQ, 0)),
	/* hosts_linux.c: hosts_list() */
	ALLOW(getdents64),
	/* hosts_linux.c: hosts_stat(); C libraries know this one for it */
	ALLOW(fstat),
	/* random_linux.c */
	ALLOW_IF(getrandom, 1, ARG(2, EQ, 0)),
	/* inflight.c: no close takes long, SIGALRM interrupts it */
	ALLOW_IF(setitimer, 1, ARG(0, EQ, ITIMER_REAL)),
	ALLOW(rt_sigreturn),
	/* The locks of malloc(3) and stdio, which query.c's threads and the
	 * loop share. */
	ALLOW_IF(futex, 1, ARG(1, EQ, FUTEX_WAIT_PRIVATE)),
	ALLOW_IF(futex, 1, ARG(1, EQ, FUTEX_WAKE_PRIVATE)),
};

/* What is for clients and tenants only, which forbidden[] sees to. */
static const struct rule client_rules[] = {
	/* message_send.c: to children, and to tenants in handoff.c */
	ALLOW_IF(sendmsg, 1, ARG(2, EQ, MSG_DONTWAIT | MSG_NOSIGNAL)),
	/* backend.c: PROXY headers, to whom the socket is connected */
	ALLOW_IF(sendto, 3, ARG(3, EQ, MSG_NOSIGNAL | MSG_DONTWAIT),
	    ARG(4, EQ, 0), ARG(5, EQ, 0)),
	/* tcp_options.c: what a client has while it is ours */
	ALLOW_IF(fcntl, 2, ARG(1, EQ, F_SETFL), ARG(2, EQ, 0)),
	ALLOW_IF(fcntl, 2, ARG(1, EQ, F_SETFL), ARG(2, EQ, O_NONBLOCK)),
	ALLOW_IF(setsockopt, 3, ARG(1, EQ, SOL_SOCKET),
	    ARG(2, EQ, SO_KEEPALIVE), ARG(4, EQ, sizeof(int))),
	ALLOW_IF(setsockopt, 3, ARG(1, EQ, SOL_SOCKET),
	    ARG(2, EQ, SO_OOBINLINE), ARG(4, EQ, sizeof(int))),
	ALLOW_IF(setsockopt, 3, ARG(1, EQ, IPPROTO_TCP),
	    ARG(2, EQ, TCP_NODELAY), ARG(4, EQ, sizeof(int))),
	/* connection.c: what a parser has set is put back */
	ALLOW_IF(setsockopt, 3, ARG(1, EQ, SOL_SOCKET),
	    ARG(2, EQ, SO_RCVLOWAT), ARG(4, EQ, sizeof(int))),
	/* hosts_linux.c: deaf to descriptors, or to everything */
	ALLOW_IF(setsockopt, 3, ARG(1, EQ, SOL_SOCKET),
	    ARG(2, EQ, LINUX_SO_PASSRIGHTS), ARG(4, EQ, sizeof(int))),
	ALLOW_IF(shutdown, 1, ARG(1, EQ, SHUT_RD)),
	/* outq_linux.c */
	ALLOW_IF(ioctl, 1, ARG(1, EQ, SIOCOUTQ)),
};

/* Their numbers are from SLOTS_BASE on, those of channels from
 * FIRST_LISTENER on. */
static const struct rule forbidden[] = {
	FORBID_IF(sendmsg, 1, BELOW(0, FIRST_LISTENER)),
	FORBID_IF(sendto, 1, BELOW(0, SLOTS_BASE)),
	FORBID_IF(fcntl, 1, BELOW(0, SLOTS_BASE)),
	FORBID_IF(setsockopt, 1, BELOW(0, SLOTS_BASE)),
	FORBID_IF(shutdown, 1, BELOW(0, SLOTS_BASE)),
	FORBID_IF(ioctl, 1, BELOW(0, SLOTS_BASE)),
	/* Below what was opened, never below where we happen to be. */
	FORBID_IF(openat2, 1, MASKED(0, UINT32_MAX, (uint32_t)AT_FDCWD)),
	FORBID_IF(newfstatat, 1, MASKED(0, UINT32_MAX, (uint32_t)AT_FDCWD)),
	FORBID_IF(readlinkat, 1, MASKED(0, UINT32_MAX, (uint32_t)AT_FDCWD)),
};

/* hosts_linux.c: its questions about what is below hosts/. */
static void
allow_questions(scmp_filter_ctx filter)
{
	const struct rule	ours[] = {
		ALLOW_IF(readlinkat, 1, ARG(1, EQ, AT(hosts_empty_path))),
		ALLOW_IF(newfstatat, 2, ARG(1, EQ, AT(hosts_empty_path)),
		    ARG(3, EQ, AT_EMPTY_PATH)),
	};
	size_t			i;

	seccomp_allow(filter, RULES(ours));
	for (i = 0; i < HOSTS_QUESTIONS; i++) {
		const struct rule question = ALLOW_IF(openat2, 2,
		    ARG(2, EQ, AT(&hosts_questions[i])),
		    ARG(3, EQ, sizeof(hosts_questions[i])));

		seccomp_allow(filter, &question, 1);
	}
}

static void
allow_put(scmp_filter_ctx filter, int number)
{
	const struct rule put = ALLOW_IF(dup3, 2,
	    ARG(1, EQ, (scmp_datum_t)number), ARG(2, EQ, O_CLOEXEC));

	seccomp_allow(filter, &put, 1);
}

/* hosts_linux.c: a pinned socket is put on a number and connected to. */
static void
allow_connectors(scmp_filter_ctx filter)
{
	int i;

	for (i = 0; i < HOSTS_CONNECTORS; i++) {
		const struct rule connector = ALLOW_IF(connect, 2,
		    ARG(1, EQ, AT(&hosts_addresses[i])),
		    ARG(2, EQ, sizeof(hosts_addresses[i])));

		seccomp_allow(filter, &connector, 1);
		allow_put(filter, HOSTS_CONNECTORS_FIRST + i);
	}
}

/* Numbers that are known only now: slots.c, query.c. */
static void
allow_numbers(scmp_filter_ctx filter, const struct sandbox_front *front)
{
	size_t i;

	for (i = 0; i < front->nslots; i++)
		allow_put(filter, front->slots[i]);
	for (i = 0; i < front->nlisteners; i++) {
		const struct rule emptied = ALLOW_IF(dup3, 3,
		    ARG(0, EQ, (scmp_datum_t)front->nothing),
		    ARG(1, EQ, (scmp_datum_t)front->listeners[i]),
		    ARG(2, EQ, O_CLOEXEC));

		seccomp_allow(filter, &emptied, 1);
	}
	for (i = 0; i < front->npipes; i++) {
		const struct rule pipe = ALLOW_IF(write, 1,
		    ARG(0, EQ, (scmp_datum_t)front->pipes[i]));

		seccomp_allow(filter, &pipe, 1);
	}
}

static void
seal(void)
{
	sandbox_seal(hosts_questions, sizeof(hosts_questions));
	sandbox_seal(hosts_addresses, sizeof(hosts_addresses));
	sandbox_seal(hosts_empty_path, 1);
}

void
sandbox_enter_front(const struct sandbox_front *front)
{
	scmp_filter_ctx filter;

	seal();
	seccomp_forbid(RULES(forbidden));
	filter = seccomp_begin();
	seccomp_allow_base(filter);
	seccomp_allow(filter, RULES(rules));
	seccomp_allow(filter, RULES(client_rules));
	allow_questions(filter);
	allow_connectors(filter);
	allow_numbers(filter, front);
	seccomp_allow_close(filter, CLOSE_BIT);
	seccomp_enforce(filter);
}
