/* SPDX-License-Identifier: ISC */
#ifndef USHER_KERNEL_LINUX_H
#define USHER_KERNEL_LINUX_H

/*
 * Linux: what this kernel has that others do not, and the numbers of its
 * system calls, the same on every architecture; headers may be older.
 */
enum {
	CALL_LANDLOCK_CREATE_RULESET = 444,
	CALL_LANDLOCK_ADD_RULE,
	CALL_LANDLOCK_RESTRICT_SELF,
	CALL_MSEAL = 462
};

/* The version of Landlock's interface, landlock(7); 0 for none. */
int	kernel_landlock(void);

/* mseal(2)?  1 or 0. */
int	kernel_seals(void);

#endif
