/* SPDX-License-Identifier: ISC */
/*
 * Runs a program without a vDSO, and all that it starts: the C library then
 * makes a system call of each look at the clock, as the vDSO itself does when
 * it cannot read the machine's clock source.
 *
 *	novdso COMMAND [ARGUMENT...]
 *
 * The command takes the place of this process, whose grandchild traces it
 * (ptrace(2)): at every exec it takes the vDSO's address out of what the
 * kernel tells the new program (getauxval(3)).  Exits 77 when tracing is not
 * allowed.  For 64-bit x86 and ARM.
 */
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <elf.h>
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef __x86_64__
#define STACK_POINTER	rsp
#else
#define STACK_POINTER	sp
#endif

enum {
	EXIT_SKIP = 77,
	OPTIONS = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
	    PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC
};

static uintptr_t
stack_of(pid_t pid)
{
	struct user_regs_struct	registers;
	struct iovec		iov = { &registers, sizeof(registers) };

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov) == -1)
		err(1, "registers");
	return registers.STACK_POINTER;
}

static uintptr_t
word(pid_t pid, uintptr_t at)
{
	long value;

	errno = 0;
	value = ptrace(PTRACE_PEEKDATA, pid, at, NULL);
	if (value == -1 && errno != 0)
		err(1, "memory");
	return (uintptr_t)value;
}

/* On the stack: argc, argv, NULL, environment, NULL, pairs up to AT_NULL. */
static void
take_vdso(pid_t pid)
{
	uintptr_t at = stack_of(pid), type;

	at += (word(pid, at) + 2) * sizeof(at);
	while (word(pid, at) != 0)
		at += sizeof(at);
	at += sizeof(at);
	while ((type = word(pid, at)) != AT_NULL) {
		if (type == AT_SYSINFO_EHDR && ptrace(PTRACE_POKEDATA, pid,
		    at, (void *)AT_IGNORE) == -1)
			err(1, "memory");
		at += 2 * sizeof(at);
	}
}

/* Lets a tracee that has stopped go on. */
static void
go_on(pid_t pid, int status)
{
	const int	event = status >> 16;
	int		number = WSTOPSIG(status);

	if (event == PTRACE_EVENT_EXEC)
		take_vdso(pid);
	if (event == PTRACE_EVENT_STOP && number != SIGTRAP) {
		(void)ptrace(PTRACE_LISTEN, pid, NULL, NULL); /* SIGSTOP */
		return;
	}
	if (event != 0)
		number = 0;
	/* When it fails, the tracee was killed. */
	(void)ptrace(PTRACE_CONT, pid, NULL, (void *)(intptr_t)number);
}

static void __attribute__((noreturn))
trace(pid_t tracee, int ready)
{
	pid_t	pid;
	char	answer = 'y';
	int	status;

	if (ptrace(PTRACE_SEIZE, tracee, NULL, OPTIONS) == -1)
		answer = 'n';
	if (write(ready, &answer, 1) != 1 || answer == 'n')
		_exit(1);
	(void)close(ready);	/* it was only to be written to */
	(void)close(STDIN_FILENO);
	(void)close(STDOUT_FILENO);
	for (;;) {
		pid = waitpid(-1, &status, __WALL);
		if (pid == -1 && errno == EINTR)
			continue;
		if (pid == -1)
			_exit(0);	/* the last tracee has ended */
		if (WIFSTOPPED(status))
			go_on(pid, status);
	}
}

int
main(int argc, char *argv[])
{
	const pid_t	self = getpid();
	pid_t		child;
	char		answer;
	int		ready[2];

	if (argc < 2)
		errx(1, "usage: novdso command [argument ...]");
	/* Where only relatives may trace (Yama): any process of this user. */
	(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	if (pipe(ready) == -1)
		err(1, "pipe");
	child = fork();
	if (child == -1)
		err(1, "fork");
	if (child == 0) {
		(void)close(ready[0]);
		if (fork() == 0)
			trace(self, ready[1]);
		_exit(0);	/* the tracer is not the command's child */
	}
	(void)close(ready[1]);
	if (waitpid(child, NULL, 0) == -1)
		err(1, "waitpid");
	if (read(ready[0], &answer, 1) != 1 || answer != 'y')
		errx(EXIT_SKIP, "tracing is not allowed here");
	(void)close(ready[0]);
	execvp(argv[1], argv + 1);
	err(1, "%s", argv[1]);
}
