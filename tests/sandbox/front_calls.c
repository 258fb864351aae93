/* SPDX-License-Identifier: ISC */
/*
 * Attacks that only a front could think of: on its constants, its numbers,
 * and what a privileged process in its place could do.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "../../src/front/linux.h"
#include "calls.h"

#define WIDE	(1L << 32)

enum { PAGE = 4096 };

/* The front's own; nothing in the other programs. */
extern const struct open_how	hosts_questions[HOSTS_QUESTIONS]
				    __attribute__((weak));
extern const struct sockaddr_un	hosts_addresses[HOSTS_CONNECTORS]
				    __attribute__((weak));

/* A question of ours, below wherever we happen to be. */
void
try_question(int directory)
{
	(void)syscall(SYS_openat2, directory, "etc",
	    &hosts_questions[HOSTS_ENTRY], sizeof(hosts_questions[0]));
}

void
try_question_wide(int directory)
{
	(void)syscall(SYS_openat2, WIDE | (uint32_t)directory, "etc",
	    &hosts_questions[HOSTS_ENTRY], sizeof(hosts_questions[0]));
}

/* One of ours, but with more behind it. */
void
try_question_resized(int more)
{
	(void)syscall(SYS_openat2, FRONT_CLIENT, ".",
	    &hosts_questions[HOSTS_ENTRY],
	    sizeof(hosts_questions[0]) + (size_t)more);
}

void
try_stat(int directory)
{
	struct stat st;

	(void)syscall(SYS_newfstatat, directory, "/etc/shadow", &st,
	    AT_EMPTY_PATH);
}

void
try_readlink(int directory)
{
	char text[PAGE];

	(void)syscall(SYS_readlinkat, directory, "/proc/self/exe", text,
	    sizeof(text));
}

/* What may change, in the place of what may not. */
void
try_connect_copy(int fd)
{
	const struct sockaddr_un address = hosts_addresses[0];

	(void)syscall(SYS_connect, fd, &address, sizeof(address));
}

void
try_connect_resized(int more)
{
	(void)syscall(SYS_connect, FRONT_CLIENT, &hosts_addresses[0],
	    sizeof(hosts_addresses[0]) + (size_t)more);
}

void
try_connect_shifted(int bytes)
{
	(void)syscall(SYS_connect, FRONT_CLIENT,
	    (const char *)&hosts_addresses[0] + bytes,
	    sizeof(hosts_addresses[0]));
}

void
try_send_address(int fd)
{
	struct sockaddr_un address;

	memset(&address, 0, sizeof(address));
	address.sun_family = AF_UNIX;
	(void)syscall(SYS_sendto, fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT,
	    &address, sizeof(address));
}

void
try_send_wide(int fd)
{
	(void)syscall(SYS_sendto, WIDE | fd, "x", 1,
	    MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0);
}

void
try_sendmsg_wide(int fd)
{
	static struct msghdr message;

	(void)syscall(SYS_sendmsg, WIDE | fd, &message,
	    MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Writable for once. */
void
try_mprotect_constants(int protection)
{
	(void)syscall(SYS_mprotect,
	    (uintptr_t)hosts_addresses & ~((uintptr_t)PAGE - 1), PAGE,
	    protection);
}

/* A client in the place of what is ours. */
void
try_dup_onto(int number)
{
	(void)syscall(SYS_dup3, FRONT_CLIENT, number, O_CLOEXEC);
}

void
try_dup_onto_wide(int number)
{
	(void)syscall(SYS_dup3, FRONT_CLIENT, WIDE | number, O_CLOEXEC);
}

void
try_dup_lowest(int number)
{
	(void)syscall(SYS_fcntl, FRONT_CLIENT, F_DUPFD, number);
}

void
try_close(int fd)
{
	(void)syscall(SYS_close, fd);
}

void
try_close_wide(int fd)
{
	(void)syscall(SYS_close, WIDE | fd);
}

void
try_setfl_of(int fd)
{
	(void)syscall(SYS_fcntl, fd, F_SETFL, 0);
}

void
try_shutdown_accepted(int how)
{
	(void)syscall(SYS_shutdown, FRONT_CLIENT, how);
}

void
try_shutdown_own(int fd)
{
	(void)syscall(SYS_shutdown, fd, SHUT_RD);
}

void
try_shutdown_own_wide(int fd)
{
	(void)syscall(SYS_shutdown, WIDE | fd, SHUT_RD);
}

/* What it would take to be more than nobody, or to be two. */

void
try_setuid(int uid)
{
	(void)syscall(SYS_setresuid, uid, uid, uid);
}

void
try_pipe(int flags)
{
	int ends[2];

	(void)syscall(SYS_pipe2, ends, flags);
}

void
try_socketpair(int family)
{
	int ends[2];

	(void)syscall(SYS_socketpair, family, SOCK_STREAM, 0, ends);
}

void
try_wait(int pid)
{
	(void)syscall(SYS_wait4, pid, NULL, 1, NULL);
}
