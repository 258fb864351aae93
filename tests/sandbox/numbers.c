/* SPDX-License-Identifier: ISC */
/*
 * Attacks on rules that know a descriptor by its number, or bytes by their
 * address.  "Wide" is the same descriptor with a bit set above the 32 that
 * the kernel looks at: a filter compares 64.
 */
#include <sys/socket.h>
#include <sys/syscall.h>

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

#include "../../src/common/message.h"
#include "../../src/relay/answer.h"
#include "calls.h"

#define WIDE	(1L << 32)

enum { NOBODY = 0x7fffffff };	/* no such process */

enum protocol	try_protocol;

/* The relay's own; nothing in the other programs. */
size_t	answers_list(enum protocol, struct sandbox_constant *)
	    __attribute__((weak));

static void
splice_one(long from, long to)
{
	(void)syscall(SYS_splice, from, NULL, to, NULL, 1,
	    SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
}

void
try_splice_into(int fd)
{
	splice_one(CHILD_CLIENT, fd);
}

void
try_splice_into_wide(int fd)
{
	splice_one(WIDE | CHILD_CLIENT, WIDE | fd);
}

void
try_splice_from(int fd)
{
	splice_one(fd, CHILD_CLIENT);
}

void
try_splice_from_wide(int fd)
{
	splice_one(WIDE | fd, WIDE | CHILD_CLIENT);
}

static void
send_bytes(long fd, const void *bytes, size_t size)
{
	(void)syscall(SYS_sendto, fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT,
	    NULL, 0);
}

/* The first answer of a protocol. */
static struct sandbox_constant
constant(enum protocol protocol)
{
	struct sandbox_constant list[ANSWERS_MAX];

	(void)answers_list(protocol, list);
	return list[0];
}

/* Not the whole of a constant, or more than that. */
void
try_send_resized(int more)
{
	const struct sandbox_constant answer = constant(try_protocol);

	send_bytes(CHILD_CLIENT, answer.bytes, answer.size + (size_t)more);
}

/* The right size from another address. */
void
try_send_shifted(int bytes)
{
	const struct sandbox_constant answer = constant(try_protocol);

	send_bytes(CHILD_CLIENT, (const char *)answer.bytes + bytes,
	    answer.size);
}

/* What the relays of the other protocol say. */
void
try_send_other(int fd)
{
	const struct sandbox_constant answer = constant(
	    try_protocol == PROTOCOL_TLS ? PROTOCOL_HTTP : PROTOCOL_TLS);

	send_bytes(fd, answer.bytes, answer.size);
}

/* A true answer, to somebody who is no client. */
void
try_send_to(int fd)
{
	const struct sandbox_constant answer = constant(try_protocol);

	send_bytes(fd, answer.bytes, answer.size);
}

void
try_send_to_wide(int fd)
{
	const struct sandbox_constant answer = constant(try_protocol);

	send_bytes(WIDE | fd, answer.bytes, answer.size);
}

/* A client in the place of what is its own. */
void
try_dup_over(int number)
{
	(void)syscall(SYS_dup3, CHILD_CLIENT, number, O_CLOEXEC);
}

void
try_shutdown_client(int how)
{
	(void)syscall(SYS_shutdown, CHILD_CLIENT, how);
}

void
try_setfl_wide(int flags)
{
	(void)syscall(SYS_fcntl, WIDE | CHILD_CLIENT, F_SETFL, flags);
}

static void
set_option_wide(int level, int option)
{
	const int one = 1;

	(void)syscall(SYS_setsockopt, WIDE | CHILD_CLIENT, level, option,
	    &one, sizeof(one));
}

void
try_setsockopt_wide(int option)
{
	set_option_wide(SOL_SOCKET, option);
}

void
try_tcp_option_wide(int option)
{
	set_option_wide(IPPROTO_TCP, option);
}

void
try_ioctl_wide(int request)
{
	int one = 1;

	(void)syscall(SYS_ioctl, WIDE | CHILD_CONTROL, request, &one);
}

void
try_read_wide(int fd)
{
	char byte;

	(void)syscall(SYS_read, WIDE | fd, &byte, 1);
}

void
try_write_wide(int fd)
{
	(void)syscall(SYS_write, WIDE | fd, "x", 1);
}

void
try_accept_wide(int fd)
{
	(void)syscall(SYS_accept4, WIDE | fd, NULL, NULL, SOCK_NONBLOCK);
}

/* Never closed on exec again: what the children get. */
void
try_setfd(int flags)
{
	(void)syscall(SYS_fcntl, CHILD_CLIENT, F_SETFD, flags);
}

/* All of a group at once; there is none of this number. */
void
try_kill_group(int number)
{
	(void)syscall(SYS_kill, (long)-NOBODY, number);
}

void
try_kill_group_wide(int number)
{
	(void)syscall(SYS_kill, (long)(uint32_t)-NOBODY, number);
}
