/* SPDX-License-Identifier: ISC */
#ifndef USHER_SANDBOX_H
#define USHER_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One interface, one implementation per operating system, chosen by what is
 * linked.  Each role's rules stand in an object of their own, so that a
 * program holds only the rules of its role.  None of these can fail and
 * return: what cannot be enforced ends the process with a line on stderr.
 * There is no way to turn any of it off.
 */

/*
 * At the start: exits 1 with a line on stderr that names the cause when this
 * system, or who has started us, does not let us have a sandbox.
 */
void	sandbox_try(void);

/*
 * Gives up what no process of ours needs: capabilities, new privileges by
 * exec, being dumped, traced or read by a process of the same user; asks to
 * be killed when the launcher dies, where the system can; goes by that name in
 * lists of processes.
 */
void	sandbox_harden(const char *name);

/*
 * As much of it as the launcher can, which has no filter: it must still make
 * and end children of another user and let a newer one take its place.
 */
void	sandbox_harden_launcher(void);

/*
 * Where the system can: no file system at all, for whoever opens nothing
 * after this; no signals to, and no abstract sockets of, other processes.
 * After sandbox_harden(), and before there are threads.
 */
void	sandbox_landlock(void);

/* The same for the front, which reads directories below this one.  It is no
 * wall around hosts/: looking at an entry and connecting are not covered. */
void	sandbox_landlock_hosts(int hosts);

/*
 * A filter compares the addresses of constants, so their memory must stay:
 * where the system can, nobody unmaps, moves or changes it from now on.
 */
void	sandbox_seal(const void *start, size_t size);

/*
 * Not started by root: will the system let children chroot into the directory
 * all the same (by a user namespace on Linux)?  Gives 0 when it will, else -1.
 */
int	sandbox_chroot_allowed(int empty);

/* In such a child: takes the right.  Gives -1 with errno. */
int	sandbox_chroot_begin(void);

/* The limit for a child's memory (RLIMIT_DATA) when its tables need so many
 * bytes. */
uint64_t sandbox_memory(uint64_t tables);

/*
 * The eyes: MSG_PEEK on any descriptor, take messages from CHILD_CONTROL,
 * write to CHILD_REPORT, wait for events.  usherd-http also writes to
 * CHILD_GRANT and reads from CHILD_PROGRESS; usherd-tls may say from how many
 * bytes on a client is ready.
 */
void	sandbox_enter_parser(void);

/*
 * The hands: move, shut down, close, discard unseen, send one of n constants,
 * whole; take messages from CHILD_CONTROL, write to CHILD_REPORT, wait for
 * events.  One of a pair also reads from CHILD_GRANT and writes to
 * CHILD_PROGRESS.  Constants lie in memory that cannot be written: a filter
 * compares their addresses, not their bytes.
 */
struct sandbox_constant {
	const void	*bytes;
	size_t		 size;
};

void	sandbox_enter_relay(const struct sandbox_constant *constants,
	    size_t n, bool pair);

/*
 * The log: read what fronts have written, map their pages read-only, take
 * messages from CHILD_CONTROL, write to stderr and CHILD_REPORT, wait for
 * them.  Pipes and pages have numbers from LOG_FIRST_FREE to
 * LOG_DESCRIPTORS_END.
 */
enum {
	LOG_FIRST_FREE = 8,
	LOG_DESCRIPTORS_END = 128	/* 64 shards, and some in exchange */
};

void	sandbox_enter_log(void);

/*
 * The keys: accept, look up below hosts/, connect to what was found there,
 * take messages from CHILD_CONTROL, write to CHILD_REPORT, the log and the
 * pipes, pass descriptors on.  Every number below SLOTS_BASE is in use, so
 * clients and tenants have numbers from there on, and are never read.  slots
 * are the numbers below it whose contents change: channels to children.  The
 * listeners' may only be made to hold what nothing, /dev/null, holds.  pipes
 * are those of the look-up threads that are written to.
 */
struct sandbox_front {
	const int	*slots;
	size_t		 nslots;
	const int	*listeners;
	size_t		 nlisteners;
	int		 nothing;
	const int	*pipes;
	size_t		 npipes;
};

void	sandbox_enter_front(const struct sandbox_front *front);

/* What is in force in the children, for usherd -V: one line, no newline. */
const char *sandbox_name(void);

#endif
