/* SPDX-License-Identifier: ISC */
/*
 * Linux, not started by root: a child that makes a user namespace of its own
 * may chroot in it (user_namespaces(7)), and gives that right up again with
 * all others.  It makes the namespace after its exec: a process that was
 * executed inside of one belongs, dumpable or not, to whoever made it.
 * Many systems allow this, some do not.
 */
#include <sched.h>

#include "sandbox.h"

int
sandbox_chroot_begin(void)
{
	return unshare(CLONE_NEWUSER);
}
