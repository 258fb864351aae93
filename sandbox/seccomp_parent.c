/* SPDX-License-Identifier: ISC */
/*
 * Linux: what the parent may do.  It holds the keys: it opens only below
 * hosts/, connects only UNIX sockets, executes only the children's programs,
 * and reads only from descriptors of its own.
 *
 * Children start under this filter and add theirs to it, so what follows is
 * the widest of all: what the parent needs, what a child needs between fork
 * and its own filter, and what the children's filters allow.
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/mman.h>
#include <sys/time.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>

#include "../src/common/message.h"
#include "../src/front/linux.h"
#include "../src/front/slots.h"
#include "sandbox.h"
#include "seccomp.h"
#include "seccomp_rules.h"

enum { PARENT_CLOSE_BIT = 9 };	/* SLOTS_BASE */

_Static_assert(1 << PARENT_CLOSE_BIT == SLOTS_BASE, "close(2) and slots");

static const struct rule parent_rules[] = {
	/* backend.c, hosts_linux.c, listener.c */
	ALLOW_IF(socket, 3, ARG(0, EQ, AF_UNIX),
	    ARG(1, EQ, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC),
	    ARG(2, EQ, 0)),
	ALLOW(connect),
	ALLOW(getpeername),
	ALLOW(getsockname),
	/* lookup.c, hosts.c: fstat(2) */
	ALLOW_IF(newfstatat, 1, ARG(3, EQ, AT_EMPTY_PATH)),
	ALLOW(fstat),
	/* hosts_linux.c: reading a directory of backends */
	ALLOW(getdents64),
	/* inflight.c: no close takes long */
	ALLOW_IF(setitimer, 1, ARG(0, EQ, ITIMER_REAL)),
	/* message_send.c: to children, and to tenants in handoff.c */
	ALLOW_IF(sendmsg, 1, ARG(2, EQ, MSG_DONTWAIT | MSG_NOSIGNAL)),
	ALLOW(getrandom),
	/* children.c: make, watch and end children */
	ALLOW_IF(socketpair, 1, ARG(0, EQ, AF_UNIX)),
	ALLOW_IF(pipe2, 1, ARG(1, EQ, O_CLOEXEC)),
	ALLOW_IF(clone, 1, ARG(0, EQ,
	    CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | SIGCHLD)),
	ALLOW_IF(clone, 1, ARG(0, EQ, SIGCHLD)),	/* musl */
	ALLOW(wait4),
	ALLOW_IF(kill, 1, ARG(1, EQ, SIGKILL)),
	/* main.c: signals by way of libevent's pipe */
	ALLOW(rt_sigaction),
	ALLOW(rt_sigprocmask),
};

/* What is for clients and tenants only, which forbidden[] sees to. */
static const struct rule client_rules[] = {
	/* tcp_options.c: what a client has while it is ours */
	ALLOW_IF(fcntl, 2, ARG(1, EQ, F_SETFL), ARG(2, EQ, 0)),
	ALLOW_IF(fcntl, 2, ARG(1, EQ, F_SETFL), ARG(2, EQ, O_NONBLOCK)),
	ALLOW_IF(setsockopt, 2, ARG(1, EQ, SOL_SOCKET),
	    ARG(2, EQ, SO_KEEPALIVE)),
	ALLOW_IF(setsockopt, 2, ARG(1, EQ, SOL_SOCKET),
	    ARG(2, EQ, SO_OOBINLINE)),
	ALLOW_IF(setsockopt, 2, ARG(1, EQ, IPPROTO_TCP),
	    ARG(2, EQ, TCP_NODELAY)),
	/* hosts_linux.c: deaf to descriptors */
	ALLOW_IF(setsockopt, 2, ARG(1, EQ, SOL_SOCKET),
	    ARG(2, EQ, LINUX_SO_PASSRIGHTS)),
	/* outq_linux.c */
	ALLOW_IF(ioctl, 1, ARG(1, EQ, SIOCOUTQ)),
};

/* Their numbers are from SLOTS_BASE on. */
static const struct rule forbidden[] = {
	FORBID_IF(fcntl, 2, BELOW(0, SLOTS_BASE), ARG(1, EQ, F_SETFL)),
	FORBID_IF(setsockopt, 3, BELOW(0, SLOTS_BASE),
	    ARG(1, EQ, SOL_SOCKET), ARG(2, EQ, SO_KEEPALIVE)),
	FORBID_IF(setsockopt, 3, BELOW(0, SLOTS_BASE),
	    ARG(1, EQ, SOL_SOCKET), ARG(2, EQ, SO_OOBINLINE)),
	FORBID_IF(setsockopt, 3, BELOW(0, SLOTS_BASE),
	    ARG(1, EQ, IPPROTO_TCP), ARG(2, EQ, TCP_NODELAY)),
	FORBID_IF(setsockopt, 3, BELOW(0, SLOTS_BASE),
	    ARG(1, EQ, SOL_SOCKET), ARG(2, EQ, LINUX_SO_PASSRIGHTS)),
	FORBID_IF(ioctl, 2, BELOW(0, SLOTS_BASE), ARG(1, EQ, SIOCOUTQ)),
	/* one child, not all that the user has, nor a group of processes */
	FORBID_IF(kill, 1, MASKED(0, 1U << 31, 1U << 31)),
	FORBID_IF(kill, 1, MASKED(0, UINT32_MAX, 0)),
};

/* What a static program does from exec to its own filter. */
static const struct rule child_rules[] = {
	/* the C library's start */
	ALLOW(arch_prctl),
	ALLOW(set_tid_address),
	ALLOW(set_robust_list),
	ALLOW(rseq),
	ALLOW_IF(mprotect, 1, ARG(2, EQ, PROT_READ)),	/* RELRO */
	ALLOW_IF(prlimit64, 1, ARG(0, EQ, 0)),	/* of nobody else */
	ALLOW(setrlimit),
	/* issetugid(3) in libevent */
	ALLOW(getuid),
	ALLOW(geteuid),
	ALLOW(getgid),
	ALLOW(getegid),
	ALLOW(epoll_create1),
	ALLOW_IF(pipe2, 1, ARG(1, EQ, O_NONBLOCK | O_CLOEXEC)),
	/* confine.c: /dev/null once more, at the numbers of the keys */
	ALLOW_IF(fcntl, 3, ARG(0, EQ, 0), ARG(1, EQ, F_DUPFD),
	    ARG(2, EQ, KEYS_FIRST)),
	ALLOW(fchdir),
	ALLOW(chdir),
	ALLOW(chroot),
	ALLOW(setgroups),
	ALLOW(getgroups),
	ALLOW(setresgid),
	ALLOW(setresuid),
	ALLOW(setuid),
	ALLOW(setgid),
	ALLOW(getresuid),
	ALLOW(getresgid),
	/* seccomp.c */
	ALLOW_IF(fcntl, 1, ARG(1, EQ, F_GETFD)),
	ALLOW(capset),
	ALLOW(seccomp),
	ALLOW_IF(prctl, 1, ARG(0, EQ, PR_SET_NO_NEW_PRIVS)),
	ALLOW_IF(prctl, 1, ARG(0, EQ, PR_SET_PDEATHSIG)),
	ALLOW_IF(prctl, 1, ARG(0, EQ, PR_SET_NAME)),
	ALLOW_IF(prctl, 2, ARG(0, EQ, PR_SET_DUMPABLE),
	    ARG(1, EQ, 0)),
	ALLOW_IF(prctl, 2, ARG(0, EQ, PR_CAP_AMBIENT),
	    ARG(1, EQ, PR_CAP_AMBIENT_CLEAR_ALL)),
	/* what the filters of parser and relay allow */
	RULE_PEEK,
	RULE_RCVLOWAT,
	RULE_SPLICE,
	RULE_PIPE,
	RULE_PIPE_SIZE,
	RULE_PIPE_RESIZE,
	RULE_DISCARD,
	RULE_MEMINFO,
	RULE_SEND,
	RULE_SHUTDOWN,
	RULE_POLL,
	RULE_ATMARK,
	RULE_UNREAD,
};

/* sandbox_chroot_begin(), where children need it. */
static const struct rule namespace_rules[] = {
	ALLOW_IF(unshare, 1, ARG(0, EQ, CLONE_NEWUSER)),
};

/* Pointers and descriptor numbers that are known only now. */
static void
allow_keys(scmp_filter_ctx filter, const struct sandbox_keys *keys)
{
	const scmp_datum_t	base = (scmp_datum_t)keys->base;
	const struct rule	ours[] = {
		ALLOW_IF(read, 1, ARG(0, LT, base)),
		ALLOW_IF(write, 1, ARG(0, LT, base)),
		ALLOW_IF(accept4, 1, ARG(0, LT, base)),
		/* Never a program or hosts/: what is executed and where is
		 * looked up would no longer be what it was. */
		ALLOW_IF(close, 1, ARG(0, LT, (scmp_datum_t)keys->fixed)),
		ALLOW_IF(dup2, 1, ARG(1, LT, (scmp_datum_t)keys->fixed)),
		ALLOW_IF(dup3, 1, ARG(1, LT, (scmp_datum_t)keys->fixed)),
	};
	/* hosts_linux.c: what a link says that was opened itself. */
	const struct rule	link = ALLOW_IF(readlinkat, 1, ARG(1, EQ,
	    (scmp_datum_t)(uintptr_t)hosts_empty_path));
	size_t			i;

	seccomp_allow(filter, &link, 1);
	seccomp_allow(filter, RULES(ours));
	if (keys->namespaces)
		seccomp_allow(filter, RULES(namespace_rules));
	for (i = 0; i < HOSTS_QUESTIONS; i++) {
		/* A descriptor, not AT_FDCWD; one of our constants. */
		const struct rule question = ALLOW_IF(openat2, 3,
		    ARG(0, LT, (scmp_datum_t)INT32_MAX),
		    ARG(2, EQ, (scmp_datum_t)(uintptr_t)&hosts_questions[i]),
		    ARG(3, EQ, sizeof(hosts_questions[i])));

		seccomp_allow(filter, &question, 1);
	}
	for (i = 0; i < keys->nprograms; i++) {
		const struct rule program = ALLOW_IF(execveat, 3,
		    ARG(0, EQ, (scmp_datum_t)keys->programs[i]),
		    ARG(1, EQ, (scmp_datum_t)(uintptr_t)program_empty_path),
		    ARG(4, EQ, AT_EMPTY_PATH));

		seccomp_allow(filter, &program, 1);
	}
}

/*
 * What a static C library asks about the file system at its start (its
 * origin, whether to debug); the answers are of no use to a child, so it gets
 * errors instead of death.
 */
static void
deny_questions(scmp_filter_ctx filter)
{
	static const int	calls[] = {
		SCMP_SYS(readlink), SCMP_SYS(access), SCMP_SYS(faccessat)
	};
	/* By a path: the parent's own has none. */
	const struct scmp_arg_cmp	path = { 1, SCMP_CMP_NE,
	    (scmp_datum_t)(uintptr_t)hosts_empty_path, 0 };
	size_t			i;

	if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES),
	    SCMP_SYS(readlinkat), 1, path) != 0)
		errx(1, "sandbox: seccomp rule");

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES),
		    calls[i], 0) != 0 && calls[i] >= 0)
			errx(1, "sandbox: seccomp rule");
	}
}

void
sandbox_enter_parent(const struct sandbox_keys *keys)
{
	scmp_filter_ctx filter;

	seccomp_forbid(RULES(forbidden));
	filter = seccomp_begin();
	seccomp_allow_base(filter);
	seccomp_allow(filter, RULES(parent_rules));
	seccomp_allow(filter, RULES(client_rules));
	seccomp_allow(filter, RULES(child_rules));
	allow_keys(filter, keys);
	seccomp_allow_close(filter, PARENT_CLOSE_BIT);
	deny_questions(filter);
	seccomp_allow_children(filter);
	seccomp_enforce(filter);
}

const char *
sandbox_name(void)
{
	static char			 name[96];
	const struct scmp_version	*version = seccomp_version();

	if (version == NULL)
		return "seccomp";
	(void)snprintf(name, sizeof(name), "seccomp (libseccomp %u.%u.%u), "
	    "no_new_privs, %s", version->major, version->minor,
	    version->micro, seccomp_loader_name);
	return name;
}
