/* SPDX-License-Identifier: ISC */
/*
 * Linux: how a filter is made and what every role needs.  The rules of the
 * roles are in files of their own.
 */
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <unistd.h>

#include "../src/common/message.h"
#include "sandbox.h"
#include "seccomp.h"

static const struct rule base_rules[] = {
	/* The loop: libevent with epoll; musl has epoll_pwait(2) for it. */
	ALLOW(epoll_ctl),
	ALLOW(epoll_wait),
	ALLOW_IF(epoll_pwait, 1, ARG(4, EQ, 0)),	/* no signal mask */
	/* libevent.  Where the vDSO cannot read the clock source, which the
	 * system may change at any time, all of these are real calls. */
	ALLOW(clock_gettime),
	ALLOW(gettimeofday),
	ALLOW(time),
	/* malloc(3), realloc(3) of libevent's tables: private, anonymous,
	 * where the kernel likes, no code. */
	ALLOW(brk),
	ALLOW(munmap),
	ALLOW_IF(mmap, 3, ARG(0, EQ, 0),
	    ARG(2, EQ, PROT_READ | PROT_WRITE),
	    ARG(3, EQ, MAP_PRIVATE | MAP_ANONYMOUS)),
	ALLOW_IF(mremap, 1, ARG(3, EQ, MREMAP_MAYMOVE)),
	/* exit(3); a stop and its end in any call */
	ALLOW(exit_group),
	ALLOW(restart_syscall),
	/* message_take(), message_report(). */
	ALLOW_IF(recvmsg, 2, ARG(0, EQ, CHILD_CONTROL),
	    ARG(2, EQ, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)),
	ALLOW_IF(write, 1, ARG(0, EQ, CHILD_REPORT)),
	/* confine_silence() */
	{ EITHER(dup2, dup3), 2, { ARG(0, EQ, STDIN_FILENO),
	    ARG(1, EQ, STDERR_FILENO) } },
};

static void __attribute__((noreturn))
fail(const char *what, int error)
{
	errno = error < 0 ? -error : error;
	err(1, "sandbox: %s", what);
}

static scmp_filter_ctx
begin(uint32_t action)
{
	scmp_filter_ctx	filter;
	int		error;

	filter = seccomp_init(action);
	if (filter == NULL)
		errx(1, "sandbox: seccomp filter: out of memory");
	/* The i386 and x32 ways in are closed: they kill too. */
	error = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH,
	    SCMP_ACT_KILL_PROCESS);
	if (error == 0)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 1);
	/* In all threads: the front has some (query.c). */
	if (error == 0)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	/* 2: a binary tree, found in a few steps for any call */
	if (error == 0)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (error != 0)
		fail("seccomp filter", error);
	return filter;
}

static void
add(scmp_filter_ctx filter, uint32_t action, const struct rule *rules,
    size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		int error;

		error = seccomp_rule_add_array(filter, action,
		    rules[i].call, rules[i].conditions, rules[i].condition);
		/* A call that this architecture does not have is not needed. */
		if (error != 0 && rules[i].call >= 0)
			fail("seccomp rule", error);
	}
}

static void
enforce(scmp_filter_ctx filter)
{
	int error;

	error = seccomp_load(filter);
	if (error != 0)
		fail("seccomp is not available", error);
	seccomp_release(filter);
}

scmp_filter_ctx
seccomp_begin(void)
{
	return begin(SCMP_ACT_KILL_PROCESS);
}

void
seccomp_allow(scmp_filter_ctx filter, const struct rule *rules, size_t n)
{
	add(filter, SCMP_ACT_ALLOW, rules, n);
}

void
seccomp_forbid(const struct rule *rules, size_t n)
{
	scmp_filter_ctx filter;

	filter = begin(SCMP_ACT_ALLOW);
	add(filter, SCMP_ACT_KILL_PROCESS, rules, n);
	enforce(filter);
}

void
seccomp_allow_base(scmp_filter_ctx filter)
{
	seccomp_allow(filter, RULES(base_rules));
}

/*
 * A rule by number is worth nothing when the number can be given to another
 * descriptor, so close(2) is allowed only from 2^first_bit on.  Bit by bit,
 * because a comparison sees 64 bits and the kernel only the lower 32.
 */
void
seccomp_allow_close(scmp_filter_ctx filter, unsigned int first_bit)
{
	unsigned int bit;

	for (bit = first_bit; bit < 31; bit++) {
		const struct rule rule = { SCMP_SYS(close), 1, {
		    { 0, SCMP_CMP_MASKED_EQ, 1UL << bit, 1UL << bit } } };

		seccomp_allow(filter, &rule, 1);
	}
}

void
seccomp_enforce(scmp_filter_ctx filter)
{
	seccomp_allow_runtime(filter);
	enforce(filter);
}
