/* SPDX-License-Identifier: ISC */
/*
 * The attacks that need nothing but the system.  All are tried with the bare
 * system call, so that no C library refuses first, and all are harmless where
 * nothing stops them.
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
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "../../src/common/message.h"
#include "attacks.h"

enum {
	CHILD_EPOLL = 5,	/* the loop's own descriptors */
	CHILD_CLIENT = 8,	/* and the first number after them */
	PARENT_CLIENT = 512,	/* SLOTS_BASE */
	FAR = 700,
	NOBODY = 0x7fffffff,	/* no such process */
	PAGE = 4096
};

/* Calls that newer architectures do not have: there, the nearest. */
#ifndef SYS_open
#define SYS_open	SYS_creat_missing
#define SYS_creat_missing SYS_memfd_create
#endif
#define X32_READ	(0x40000000L | 0)

static char		scratch[PAGE] __attribute__((aligned(4096)));
static struct iovec	piece = { scratch, 1 };
static struct msghdr	message = { .msg_iov = &piece, .msg_iovlen = 1 };
static char *const	nothing[] = { NULL };
static const char	passwd[] = "/etc/passwd", shell[] = "/bin/sh";

/* The file system. */

static void
try_open(int flags)
{
	(void)syscall(SYS_open, passwd, flags);
}

static void
try_openat(int directory)
{
	(void)syscall(SYS_openat, directory, passwd, O_RDONLY);
}

/* The parent's right, but with a question of the attacker's own. */
static void
try_openat2(int directory)
{
	static struct open_how how = { .flags = O_RDONLY };

	(void)syscall(SYS_openat2, directory, passwd, &how, sizeof(how));
}

static void
try_unlink(int directory)
{
	(void)syscall(SYS_unlinkat, directory, "/nonexistent/x", 0);
}

/* Code. */

static void
try_execve(int unused)
{
	(void)unused;
	(void)syscall(SYS_execve, shell, nothing, nothing);
}

static void
try_execveat(int directory)
{
	(void)syscall(SYS_execveat, directory, shell, nothing, nothing, 0);
}

static void
try_execveat_empty(int fd)
{
	(void)syscall(SYS_execveat, fd, "", nothing, nothing, AT_EMPTY_PATH);
}

static void
try_mprotect(int protection)
{
	(void)syscall(SYS_mprotect, scratch, PAGE, protection);
}

static void
try_mmap(int protection)
{
	(void)syscall(SYS_mmap, NULL, PAGE, protection,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void
try_pkey_mprotect(int protection)
{
	(void)syscall(SYS_pkey_mprotect, scratch, PAGE, protection, -1);
}

/* Processes. */

static void
try_clone(int flags)
{
	if (syscall(SYS_clone, flags, 0, 0, 0, 0) == 0)
		_exit(0);
}

static void
try_clone3(int unused)
{
	static uint64_t how[8];

	(void)unused;
	how[4] = SIGCHLD;
	if (syscall(SYS_clone3, how, sizeof(how)) == 0)
		_exit(0);
}

static void
try_kill(int number)
{
	(void)syscall(SYS_kill, NOBODY, number);
}

static void
try_tgkill(int number)
{
	(void)syscall(SYS_tgkill, NOBODY, NOBODY, number);
}

static void
try_ptrace(int unused)
{
	(void)unused;
	(void)syscall(SYS_ptrace, PTRACE_ATTACH, NOBODY, 0, 0);
}

static void
try_vm_read(int unused)
{
	(void)unused;
	(void)syscall(SYS_process_vm_readv, NOBODY, &piece, 1, &piece, 1, 0);
}

static void
try_pidfd_open(int pid)
{
	(void)syscall(SYS_pidfd_open, pid, 0);
}

static void
try_pidfd_getfd(int fd)
{
	(void)syscall(SYS_pidfd_getfd, fd, 0, 0);
}

static void
try_dumpable(int value)
{
	(void)syscall(SYS_prctl, PR_SET_DUMPABLE, value, 0, 0, 0);
}

static void
try_unshare(int flags)
{
	(void)syscall(SYS_unshare, flags);
}

/* Other ways into the kernel. */

static void
try_io_uring(int entries)
{
	(void)syscall(SYS_io_uring_setup, entries, scratch);
}

static void
try_bpf(int command)
{
	(void)syscall(SYS_bpf, command, scratch, 16);
}

static void
try_x32(int fd)
{
	(void)syscall(X32_READ, fd, scratch, 1);
}

#ifdef __x86_64__
static void
try_int80(int number)
{
	long result = number;

	__asm__ volatile ("int $0x80" : "+a" (result) : "b" (0) : "memory");
}
#else
static void
try_int80(int number)
{
	(void)syscall(X32_READ + number);
}
#endif

/* The network. */

static void
try_socket(int family)
{
	(void)syscall(SYS_socket, family, SOCK_STREAM, 0);
}

static void
try_connect(int fd)
{
	struct sockaddr_in address;

	memset(&address, 0, sizeof(address));
	address.sin_family = AF_INET;
	(void)syscall(SYS_connect, fd, &address, sizeof(address));
}

static void
try_accept(int fd)
{
	(void)syscall(SYS_accept4, fd, NULL, NULL, SOCK_NONBLOCK);
}

static void
try_listen(int fd)
{
	(void)syscall(SYS_listen, fd, 1);
}

/* What a client or a tenant has sent. */

static void
try_read(int fd)
{
	(void)syscall(SYS_read, fd, scratch, 1);
}

static void
try_readv(int fd)
{
	(void)syscall(SYS_readv, fd, &piece, 1);
}

/* Every number, as one would who does not know which is whose. */
static void
try_read_all(int fd)
{
	for (; fd < FAR; fd++)
		(void)syscall(SYS_read, fd, scratch, 1);
}

static void
try_recv(int fd)
{
	(void)syscall(SYS_recvfrom, fd, scratch, 1, MSG_DONTWAIT, NULL, NULL);
}

static void
try_recvmsg(int fd)
{
	(void)syscall(SYS_recvmsg, fd, &message, MSG_DONTWAIT);
}

static void
try_peek(int fd)
{
	(void)syscall(SYS_recvfrom, fd, scratch, 1, MSG_PEEK | MSG_DONTWAIT,
	    NULL, NULL);
}

/* The address of the sender is written to memory: not needed, not given. */
static void
try_peek_from(int fd)
{
	socklen_t size = 16;

	(void)syscall(SYS_recvfrom, fd, scratch, 1, MSG_PEEK | MSG_DONTWAIT,
	    scratch, &size);
}

static void
try_peek_more(int fd)
{
	(void)syscall(SYS_recvfrom, fd, scratch, 1,
	    MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC, NULL, NULL);
}

/* Taking bytes out unseen is the relay's right, into no buffer at all. */
static void
try_discard(int fd)
{
	(void)syscall(SYS_recvfrom, fd, NULL, 1, MSG_TRUNC | MSG_DONTWAIT,
	    NULL, NULL);
}

static void
try_discard_seen(int fd)
{
	(void)syscall(SYS_recvfrom, fd, scratch, 1, MSG_TRUNC | MSG_DONTWAIT,
	    NULL, NULL);
}

/* A message of ours to a client, a tenant, or the parent. */

static void
try_write(int fd)
{
	(void)syscall(SYS_write, fd, "x", 1);
}

static void
try_writev(int fd)
{
	(void)syscall(SYS_writev, fd, &piece, 1);
}

static void
try_send(int fd)
{
	(void)syscall(SYS_sendto, fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT,
	    NULL, 0);
}

static void
try_sendmsg(int fd)
{
	(void)syscall(SYS_sendmsg, fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
try_shutdown(int fd)
{
	(void)syscall(SYS_shutdown, fd, SHUT_WR);
}

static void
try_splice(int fd)
{
	(void)syscall(SYS_splice, fd, NULL, CHILD_REPORT, NULL, 1,
	    SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
}

static void
try_tee(int fd)
{
	(void)syscall(SYS_tee, fd, CHILD_REPORT, 1, SPLICE_F_NONBLOCK);
}

static void
try_vmsplice(int fd)
{
	(void)syscall(SYS_vmsplice, fd, &piece, 1, SPLICE_F_NONBLOCK);
}

static void
try_setsockopt(int option)
{
	const int one = 1;

	(void)syscall(SYS_setsockopt, CHILD_CLIENT, SOL_SOCKET, option, &one,
	    sizeof(one));
}

/*
 * A filter knows descriptors by number.  Whoever may close the number it may
 * write to has the next client's socket under that number: the lowest free
 * one.  The parent goes on listening to what was said before.
 */
static void
try_renumber(int fd)
{
	struct intake	intake;
	int		fds[INTAKE_BATCH], waits;
	size_t		n;

	(void)syscall(SYS_close, fd);
	for (waits = 0; waits < 100 * 1000 * 1000; waits++) {
		if (message_take(CHILD_CONTROL, &intake, sizeof(intake), fds,
		    INTAKE_BATCH, &n) != MESSAGE_TAKEN || n == 0)
			continue;
		(void)syscall(SYS_write, fd, "stolen", 6);
		(void)syscall(SYS_exit_group, 0);
	}
}

static void
try_dup(int fd)
{
	(void)syscall(SYS_dup3, fd, CHILD_REPORT, O_CLOEXEC);
}

static const struct attack {
	const char	*name;
	unsigned int	 roles;
	void		(*run)(int);
	int		 argument;
} attacks[] = {
	/* As many fit the reasons for which two relays refuse: try_relay.c. */
	{ "open", EYES | HANDS | KEYS, try_open, O_RDONLY },
	{ "openat", EYES | HANDS | KEYS, try_openat, AT_FDCWD },
	{ "execve", EYES | HANDS | KEYS, try_execve, 0 },
	{ "mprotect-exec", EYES | HANDS | KEYS, try_mprotect,
	    PROT_READ | PROT_EXEC },
	{ "mmap-exec", EYES | HANDS | KEYS, try_mmap, PROT_READ | PROT_EXEC },
	{ "mmap-all", EYES | HANDS | KEYS, try_mmap,
	    PROT_READ | PROT_WRITE | PROT_EXEC },
	{ "pkey-mprotect", EYES | HANDS | KEYS, try_pkey_mprotect,
	    PROT_READ | PROT_EXEC },
	{ "fork", EYES | HANDS, try_clone, SIGCHLD },
	{ "thread", EYES | HANDS | KEYS, try_clone,
	    CLONE_VM | CLONE_SIGHAND | CLONE_THREAD },
	{ "clone3", EYES | HANDS | KEYS, try_clone3, 0 },
	{ "kill", EYES | HANDS, try_kill, SIGKILL },
	{ "tgkill", EYES | HANDS | KEYS, try_tgkill, SIGKILL },
	{ "ptrace", EYES | HANDS | KEYS, try_ptrace, 0 },
	{ "vm-read", EYES | HANDS | KEYS, try_vm_read, 0 },
	{ "pidfd-open", EYES | HANDS | KEYS, try_pidfd_open, 1 },
	{ "pidfd-getfd", EYES | HANDS | KEYS, try_pidfd_getfd, CHILD_CLIENT },
	{ "dumpable", EYES | HANDS | KEYS, try_dumpable, 1 },
	{ "unshare", EYES | HANDS | KEYS, try_unshare, CLONE_NEWUSER },
	{ "io-uring", EYES | HANDS | KEYS, try_io_uring, 1 },
	{ "x32", EYES | HANDS | KEYS, try_x32, 0 },
	{ "int80", EYES | HANDS | KEYS, try_int80, 20 },
	{ "socket", EYES | HANDS, try_socket, AF_UNIX },
	{ "socket-inet", EYES | HANDS | KEYS, try_socket, AF_INET },
	{ "connect", EYES | HANDS, try_connect, CHILD_CLIENT },
	{ "accept", EYES | HANDS, try_accept, CHILD_CLIENT },
	{ "read-loop", EYES | HANDS, try_read, CHILD_EPOLL },
	{ "read-client", EYES | HANDS, try_read, CHILD_CLIENT },
	{ "readv-client", EYES | HANDS, try_readv, CHILD_CLIENT },
	{ "recv-client", EYES | HANDS, try_recv, CHILD_CLIENT },
	{ "recvmsg-client", EYES | HANDS, try_recvmsg, CHILD_CLIENT },
	{ "discard-seen", EYES | HANDS | KEYS, try_discard_seen,
	    CHILD_CLIENT },
	{ "peek-more", EYES | HANDS | KEYS, try_peek_more, CHILD_CLIENT },
	{ "write-client", EYES | HANDS, try_write, CHILD_CLIENT },
	{ "sendmsg-control", EYES | HANDS, try_sendmsg, CHILD_CONTROL },
	{ "peek", HANDS, try_peek, CHILD_CLIENT },
	{ "tee", EYES | HANDS | KEYS, try_tee, CHILD_CLIENT },
	{ "vmsplice", EYES | HANDS | KEYS, try_vmsplice, CHILD_CLIENT },
	{ "renumber", EYES | HANDS, try_renumber, CHILD_REPORT },

	{ "terminate", EYES | KEYS, try_kill, SIGTERM },
	{ "bpf", EYES | KEYS, try_bpf, 0 },
	{ "renumber-control", EYES, try_renumber, CHILD_CONTROL },
	{ "dup", EYES, try_dup, CHILD_CLIENT },
	{ "read-all", EYES, try_read_all, CHILD_EPOLL },
	{ "read-far", EYES | KEYS, try_read, FAR },
	{ "peek-from", EYES | KEYS, try_peek_from, CHILD_CLIENT },
	{ "discard", EYES, try_discard, CHILD_CLIENT },
	{ "writev-client", EYES, try_writev, CHILD_CLIENT },
	{ "send-client", EYES, try_send, CHILD_CLIENT },
	{ "sendmsg-client", EYES, try_sendmsg, CHILD_CLIENT },
	{ "shutdown-client", EYES, try_shutdown, CHILD_CLIENT },
	{ "splice-client", EYES, try_splice, CHILD_CLIENT },
	{ "oob-inline", EYES, try_setsockopt, SO_OOBINLINE },

	{ "openat-hosts", KEYS, try_openat, CHILD_CLIENT },
	{ "openat2-own", KEYS, try_openat2, CHILD_CLIENT },
	{ "openat2-cwd", KEYS, try_openat2, AT_FDCWD },
	{ "unlink", KEYS, try_unlink, AT_FDCWD },
	{ "execveat-path", KEYS, try_execveat, AT_FDCWD },
	{ "execveat-client", KEYS, try_execveat_empty, PARENT_CLIENT },
	{ "read-accepted", KEYS, try_read, PARENT_CLIENT },
	{ "readv-accepted", KEYS, try_readv, PARENT_CLIENT },
	{ "recv-accepted", KEYS, try_recv, PARENT_CLIENT },
	{ "recvmsg-accepted", KEYS, try_recvmsg, PARENT_CLIENT },
	{ "write-accepted", KEYS, try_write, PARENT_CLIENT },
	{ "sendmsg-accepted", KEYS, try_sendmsg, PARENT_CLIENT },
	{ "accept-accepted", KEYS, try_accept, PARENT_CLIENT },
	{ "listen", KEYS, try_listen, PARENT_CLIENT },
};

/* "open.example" is called after "open". */
static int
is_called(const char *name, const char *attack)
{
	size_t n = strlen(attack);

	return strncmp(name, attack, n) == 0 &&
	    (name[n] == '.' || name[n] == '\0');
}

int
attack_number(unsigned int role, const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		if ((attacks[i].roles & role) != 0 &&
		    is_called(name, attacks[i].name))
			return (int)i;
	}
	return -1;
}

void
attack_by_number(unsigned int role, size_t number)
{
	if (number < sizeof(attacks) / sizeof(attacks[0]) &&
	    (attacks[number].roles & role) != 0)
		attacks[number].run(attacks[number].argument);
}

void
attack_by_name(unsigned int role, const char *name)
{
	int number = attack_number(role, name);

	if (number != -1)
		attack_by_number(role, (size_t)number);
}
