/* SPDX-License-Identifier: ISC */
/*
 * A log process that can be told to misbehave, for tests only.  Linked with
 * the objects of usherd-log and -Wl,--wrap=check_record: a refusal of the
 * host ATTACK.attack makes it do that.  tests/e2e/test_log_process.py reads
 * the table, too.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "../../src/common/message.h"
#include "../../src/log/check.h"
#include "calls.h"

#define WIDE	(1L << 32)

enum { PIPE = 8, PAGE = 9 };	/* what the first LOG_SHARD has brought */

int	__real_check_record(struct log_record *, const struct log_record *,
	    bool);
int	__wrap_check_record(struct log_record *, const struct log_record *,
	    bool);

static char byte;

static void
map_shared(int protection)
{
	(void)syscall(SYS_mmap, NULL, 4096, protection, MAP_SHARED, PIPE, 0);
}

static void
map_large(int size)
{
	(void)syscall(SYS_mmap, NULL, size, PROT_READ, MAP_SHARED, PIPE, 0);
}

static void
read_bare(int fd)
{
	(void)syscall(SYS_read, fd, &byte, 0);
}

static void
read_wide(int fd)
{
	(void)syscall(SYS_read, WIDE | fd, &byte, 0);
}

static void
close_bare(int fd)
{
	(void)syscall(SYS_close, fd);
}

static void
close_wide(int fd)
{
	(void)syscall(SYS_close, WIDE | fd);
}

static void
take(int fd)
{
	struct msghdr message;

	memset(&message, 0, sizeof(message));
	(void)syscall(SYS_recvmsg, fd, &message,
	    MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
}

/* Without MSG_CMSG_CLOEXEC; with another flag. */
static void
take_flags(int flags)
{
	struct msghdr message;

	memset(&message, 0, sizeof(message));
	(void)syscall(SYS_recvmsg, CHILD_CONTROL, &message, flags);
}

static const struct attack {
	const char	*name;
	void		(*run)(int);
	int		 argument;
} attacks[] = {
	{ "open", try_open, O_RDONLY },
	{ "openat", try_openat, AT_FDCWD },
	{ "execve", try_execve, 0 },
	{ "mprotect", try_mprotect, PROT_READ | PROT_EXEC },
	{ "mmap-exec", try_mmap, PROT_READ | PROT_EXEC },
	{ "mmap-memory", try_mmap, PROT_READ | PROT_WRITE },
	{ "page-write", map_shared, PROT_READ | PROT_WRITE },
	{ "page-exec", map_shared, PROT_READ | PROT_EXEC },
	{ "page-two", map_large, 8192 },
	{ "fork", try_clone, SIGCHLD },
	{ "kill", try_kill, SIGKILL },
	{ "ptrace", try_ptrace, 0 },
	{ "dumpable", try_dumpable, 1 },
	{ "socket", try_socket, AF_UNIX },
	{ "connect", try_connect, PIPE },
	{ "io-uring", try_io_uring, 1 },
	{ "x32", try_x32, 0 },
	{ "int80", try_int80, 20 },
	{ "dup", try_dup, PIPE },
	{ "renumber", try_renumber, CHILD_REPORT },
	{ "silence", try_renumber, STDERR_FILENO },
	{ "read-stderr", read_bare, STDERR_FILENO },
	{ "read-control", read_bare, CHILD_CONTROL },
	{ "read-control-wide", read_wide, CHILD_CONTROL },
	{ "read-far", read_bare, FAR },
	{ "readv", try_readv, PIPE },
	{ "write-pipe", try_write, PIPE },
	{ "write-control", try_write, CHILD_CONTROL },
	{ "write-stderr-wide", try_write_wide, STDERR_FILENO },
	{ "writev", try_writev, STDERR_FILENO },
	{ "send", try_send, CHILD_CONTROL },
	{ "sendmsg", try_sendmsg, CHILD_CONTROL },
	{ "recv", try_recv, CHILD_CONTROL },
	{ "take-pipe", take, PIPE },
	{ "take-kept", take_flags, MSG_DONTWAIT },
	{ "take-peek", take_flags, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_PEEK },
	{ "close-stderr", close_bare, STDERR_FILENO },
	{ "close-control", close_bare, CHILD_CONTROL },
	{ "close-control-wide", close_wide, CHILD_CONTROL },
	{ "ioctl", try_ioctl, 0x5412 },	/* TIOCSTI: keys for a terminal */
	{ "splice", try_splice, PIPE },
	{ "tee", try_tee, PIPE },
};

/* The neighbours of what is forbidden. */
static void
rights(void)
{
	void *page;

	read_bare(PIPE);
	close_bare(PAGE);
	(void)syscall(SYS_write, STDERR_FILENO, &byte, 0);
	take(CHILD_CONTROL);
	page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, PIPE, 0);
	if (page != MAP_FAILED)	/* a pipe cannot be mapped */
		_exit(1);
}

int
__wrap_check_record(struct log_record *good, const struct log_record *claimed,
    bool steps)
{
	const char	*name = claimed->name.text;
	size_t		 i, n;

	for (i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		n = strlen(attacks[i].name);
		if (strncmp(name, attacks[i].name, n) == 0 &&
		    strcmp(name + n, ".attack") == 0)
			attacks[i].run(attacks[i].argument);
	}
	if (strcmp(name, "rights.attack") == 0)
		rights();
	return __real_check_record(good, claimed, steps);
}
