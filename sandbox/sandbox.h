/* SPDX-License-Identifier: ISC */
#ifndef USHER_SANDBOX_H
#define USHER_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

/*
 * One interface, one implementation per operating system, chosen by what is
 * linked.  Each role's rules stand in an object of their own, so that a
 * program holds only the rules of its role.  None of these can fail and
 * return: what cannot be enforced ends the process with a line on stderr.
 * There is no way to turn any of it off.
 */

/* Closes every descriptor from number first on. */
void	sandbox_close_from(int first);

/*
 * Gives up what no process of ours needs: capabilities, new privileges by
 * exec, being dumped, traced or read by a process of the same user; asks to
 * be killed when the parent dies, where the system can.
 */
void	sandbox_harden(void);

/* As much of it as a process can that must still make children: the parent. */
void	sandbox_harden_parent(void);

/*
 * For a parent that is not root: asks the system for the right to chroot, to
 * be handed to children (a user namespace on Linux).  empty is the directory
 * they will use.  Gives 0 when they can, -1 when the system does not allow it.
 */
int	sandbox_chroot_unprivileged(int empty);

/*
 * The eyes: MSG_PEEK on any descriptor, take messages from CHILD_CONTROL,
 * write to CHILD_REPORT, wait for events.
 */
void	sandbox_enter_parser(void);

/*
 * The hands: move, shut down, close, discard unseen, send constants; take
 * messages from CHILD_CONTROL, write to CHILD_REPORT, wait for events.
 */
void	sandbox_enter_relay(void);

/*
 * The keys.  The descriptors below base are ours (control, listeners, signal
 * pipe, log); clients and tenants have numbers from base on, and are never
 * read.  hosts is the descriptor of the hosts directory, programs those of
 * the nprograms programs that may be executed, below base too.
 */
struct sandbox_keys {
	const int	*programs;
	size_t		 nprograms;
	int		 base;
	int		 hosts;
};

void	sandbox_enter_parent(const struct sandbox_keys *keys);

/* What is in force, for usherd -V: one line, no newline. */
const char *sandbox_name(void);

#endif
