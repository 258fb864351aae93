/* SPDX-License-Identifier: ISC */
#ifndef USHER_CAPABILITIES_LINUX_H
#define USHER_CAPABILITIES_LINUX_H

#include <linux/capability.h>

/*
 * Linux: of root's capabilities, those without which the launcher could not
 * make children that chroot and become another user, nor end them.  The
 * program that takes its place by SIGUSR2 starts with no more than these.
 */
enum {
	LAUNCHER_CAPABILITIES = 1 << CAP_SETUID | 1 << CAP_SETGID |
	    1 << CAP_SYS_CHROOT | 1 << CAP_KILL
};

#endif
