/* SPDX-License-Identifier: ISC */
/*
 * The attacks, call by call: with the bare system call, so that no C library
 * refuses first, and harmless where nothing stops them.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <linux/openat2.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "../../src/child/message_take.h"
#include "../../src/common/message_send.h"
#include "calls.h"

enum {
	NOBODY = 0x7fffffff,	/* no such process */
	PAGE = 4096
};

/* Calls that newer architectures do not have: there, the nearest. */
#ifndef SYS_open
#define SYS_open	SYS_memfd_create
#endif
#define X32_READ	(0x40000000L | 0)

static char		scratch[PAGE] __attribute__((aligned(4096)));
static struct iovec	piece = { scratch, 1 };
static struct msghdr	message = { .msg_iov = &piece, .msg_iovlen = 1 };
static char *const	nothing[] = { NULL };
static const char	passwd[] = "/etc/passwd", shell[] = "/bin/sh";

/* The file system. */

void
try_open(int flags)
{
	(void)syscall(SYS_open, passwd, flags);
}

void
try_openat(int directory)
{
	(void)syscall(SYS_openat, directory, passwd, O_RDONLY);
}

/* The front's right, but with a question of the attacker's own. */
void
try_openat2(int directory)
{
	static struct open_how how = { .flags = O_RDONLY };

	(void)syscall(SYS_openat2, directory, passwd, &how, sizeof(how));
}

void
try_unlink(int directory)
{
	(void)syscall(SYS_unlinkat, directory, "/nonexistent/x", 0);
}

/* Code. */

void
try_execve(int unused)
{
	(void)unused;
	(void)syscall(SYS_execve, shell, nothing, nothing);
}

void
try_execveat(int directory)
{
	(void)syscall(SYS_execveat, directory, shell, nothing, nothing, 0);
}

void
try_execveat_empty(int fd)
{
	(void)syscall(SYS_execveat, fd, "", nothing, nothing, AT_EMPTY_PATH);
}

void
try_mprotect(int protection)
{
	(void)syscall(SYS_mprotect, scratch, PAGE, protection);
}

void
try_mmap(int protection)
{
	(void)syscall(SYS_mmap, NULL, PAGE, protection,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

void
try_pkey_mprotect(int protection)
{
	(void)syscall(SYS_pkey_mprotect, scratch, PAGE, protection, -1);
}

/* Processes. */

void
try_clone(int flags)
{
	if (syscall(SYS_clone, flags, 0, 0, 0, 0) == 0)
		_exit(0);
}

void
try_clone3(int unused)
{
	static uint64_t how[8];

	(void)unused;
	how[4] = SIGCHLD;
	if (syscall(SYS_clone3, how, sizeof(how)) == 0)
		_exit(0);
}

void
try_kill(int number)
{
	(void)syscall(SYS_kill, NOBODY, number);
}

void
try_tgkill(int number)
{
	(void)syscall(SYS_tgkill, NOBODY, NOBODY, number);
}

void
try_ptrace(int unused)
{
	(void)unused;
	(void)syscall(SYS_ptrace, PTRACE_ATTACH, NOBODY, 0, 0);
}

void
try_vm_read(int unused)
{
	(void)unused;
	(void)syscall(SYS_process_vm_readv, NOBODY, &piece, 1, &piece, 1, 0);
}

void
try_pidfd_open(int pid)
{
	(void)syscall(SYS_pidfd_open, pid, 0);
}

void
try_pidfd_getfd(int fd)
{
	(void)syscall(SYS_pidfd_getfd, fd, 0, 0);
}

void
try_dumpable(int value)
{
	(void)syscall(SYS_prctl, PR_SET_DUMPABLE, value, 0, 0, 0);
}

static void
ioctl_of(int fd, int request)
{
	int one = 1;

	(void)syscall(SYS_ioctl, fd, request, &one);
}

void
try_ioctl(int request)
{
	ioctl_of(CHILD_CONTROL, request);
}

/* By the number of a client or a tenant in the front, where the filters tell
 * them from its own: what is tried is denied for what it is. */
void
try_ioctl_accepted(int request)
{
	ioctl_of(FRONT_CLIENT, request);
}

void
try_unshare(int flags)
{
	(void)syscall(SYS_unshare, flags);
}

/* Other ways into the kernel. */

void
try_io_uring(int entries)
{
	(void)syscall(SYS_io_uring_setup, entries, scratch);
}

void
try_bpf(int command)
{
	(void)syscall(SYS_bpf, command, scratch, 16);
}

void
try_x32(int fd)
{
	(void)syscall(X32_READ, fd, scratch, 1);
}

#ifdef __x86_64__
void
try_int80(int number)
{
	long result = number;

	__asm__ volatile ("int $0x80" : "+a" (result) : "b" (0) : "memory");
}
#else
void
try_int80(int number)
{
	(void)syscall(X32_READ + number);
}
#endif

/* The network. */

void
try_socket(int family)
{
	(void)syscall(SYS_socket, family, SOCK_STREAM, 0);
}

void
try_connect(int fd)
{
	struct sockaddr_in address;

	memset(&address, 0, sizeof(address));
	address.sin_family = AF_INET;
	(void)syscall(SYS_connect, fd, &address, sizeof(address));
}

void
try_accept(int fd)
{
	(void)syscall(SYS_accept4, fd, NULL, NULL, SOCK_NONBLOCK);
}

void
try_listen(int fd)
{
	(void)syscall(SYS_listen, fd, 1);
}

/* What a client or a tenant has sent. */

void
try_read(int fd)
{
	(void)syscall(SYS_read, fd, scratch, 1);
}

void
try_readv(int fd)
{
	(void)syscall(SYS_readv, fd, &piece, 1);
}

/* Every number, as one would who does not know which is whose. */
void
try_read_all(int fd)
{
	for (; fd < FAR; fd++)
		(void)syscall(SYS_read, fd, scratch, 1);
}

void
try_recv(int fd)
{
	(void)syscall(SYS_recvfrom, fd, scratch, 1, MSG_DONTWAIT, NULL, NULL);
}

void
try_recvmsg(int fd)
{
	(void)syscall(SYS_recvmsg, fd, &message, MSG_DONTWAIT);
}

void
try_peek(int fd)
{
	(void)syscall(SYS_recvfrom, fd, scratch, 1, MSG_PEEK | MSG_DONTWAIT,
	    NULL, NULL);
}

/* The address of the sender is written to memory: not needed, not given. */
void
try_peek_from(int fd)
{
	socklen_t size = 16;

	(void)syscall(SYS_recvfrom, fd, scratch, 1, MSG_PEEK | MSG_DONTWAIT,
	    scratch, &size);
}

void
try_peek_more(int fd)
{
	(void)syscall(SYS_recvfrom, fd, scratch, 1,
	    MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC, NULL, NULL);
}

/* Taking bytes out unseen is the relay's right, into no buffer at all. */
void
try_discard(int fd)
{
	(void)syscall(SYS_recvfrom, fd, NULL, 1, MSG_TRUNC | MSG_DONTWAIT,
	    NULL, NULL);
}

void
try_discard_seen(int fd)
{
	(void)syscall(SYS_recvfrom, fd, scratch, 1, MSG_TRUNC | MSG_DONTWAIT,
	    NULL, NULL);
}

/* A message of ours to a client, a tenant, or the front. */

void
try_write(int fd)
{
	(void)syscall(SYS_write, fd, "x", 1);
}

void
try_writev(int fd)
{
	(void)syscall(SYS_writev, fd, &piece, 1);
}

void
try_send(int fd)
{
	(void)syscall(SYS_sendto, fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT,
	    NULL, 0);
}

void
try_sendmsg(int fd)
{
	(void)syscall(SYS_sendmsg, fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void
try_sendmsg_flags(int flags)
{
	(void)syscall(SYS_sendmsg, CHILD_CLIENT, &message, flags);
}

/* Who is sent a signal when something comes. */
void
try_setown(int pid)
{
	(void)syscall(SYS_fcntl, CHILD_CLIENT, F_SETOWN, pid);
}

void
try_setfl(int flags)
{
	(void)syscall(SYS_fcntl, CHILD_CLIENT, F_SETFL, flags);
}

void
try_setfl_accepted(int flags)
{
	(void)syscall(SYS_fcntl, FRONT_CLIENT, F_SETFL, flags);
}

void
try_setitimer(int which)
{
	(void)syscall(SYS_setitimer, which, NULL, NULL);
}

void
try_shutdown(int fd)
{
	(void)syscall(SYS_shutdown, fd, SHUT_WR);
}

void
try_splice(int fd)
{
	(void)syscall(SYS_splice, fd, NULL, CHILD_REPORT, NULL, 1,
	    SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
}

void
try_tee(int fd)
{
	(void)syscall(SYS_tee, fd, CHILD_REPORT, 1, SPLICE_F_NONBLOCK);
}

void
try_vmsplice(int fd)
{
	(void)syscall(SYS_vmsplice, fd, &piece, 1, SPLICE_F_NONBLOCK);
}

static void
set_option(int fd, int level, int option)
{
	const int one = 1;

	(void)syscall(SYS_setsockopt, fd, level, option, &one, sizeof(one));
}

void
try_setsockopt(int option)
{
	set_option(CHILD_CLIENT, SOL_SOCKET, option);
}

void
try_setsockopt_accepted(int option)
{
	set_option(FRONT_CLIENT, SOL_SOCKET, option);
}

void
try_tcp_option(int option)
{
	set_option(CHILD_CLIENT, IPPROTO_TCP, option);
}

void
try_tcp_option_accepted(int option)
{
	set_option(FRONT_CLIENT, IPPROTO_TCP, option);
}

/*
 * A filter knows descriptors by number.  Whoever may close the number it may
 * write to has the next client's socket under that number: the lowest free
 * one.  The front goes on listening to what was said before.
 */
void
try_renumber(int fd)
{
	struct intake	intake;
	int		fds[INTAKE_BATCH], waits;
	size_t		n;

	if (fd != -1)
		(void)syscall(SYS_close, fd);
	for (waits = 0; waits < 100 * 1000 * 1000; waits++) {
		if (message_take(CHILD_CONTROL, &intake, sizeof(intake), fds,
		    INTAKE_BATCH, &n) != MESSAGE_TAKEN || n == 0)
			continue;
		(void)syscall(SYS_write, CHILD_REPORT, "stolen", 6);
		(void)syscall(SYS_exit_group, 0);
	}
}

/* The kernel looks at the lower half of a register, a filter at all of it. */
void
try_renumber_wide(int fd)
{
	(void)syscall(SYS_close, 1L << 32 | fd);
	try_renumber(-1);
}

void
try_dup(int fd)
{
	(void)syscall(SYS_dup3, fd, CHILD_REPORT, O_CLOEXEC);
}
