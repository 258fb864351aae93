/* SPDX-License-Identifier: ISC */
#ifndef USHER_LANDLOCK_LINUX_H
#define USHER_LANDLOCK_LINUX_H

/* Linux: the version of Landlock that the kernel has, 0 for none. */
int	landlock_abi(void);

#endif
