/* SPDX-License-Identifier: ISC */
/*
 * Linux: what the sandbox of the children is made of, here and now.  They are
 * linked with the libseccomp of whose header this is; LOADER comes from
 * src/build.mk.
 */
#include <seccomp.h>
#include <stdio.h>

#include "kernel_linux.h"
#include "sandbox.h"

/* What Landlock does for us from this ABI on. */
static const char *
landlock_reach(int abi)
{
	return abi >= 6 ? "file system, signals, abstract sockets" :
	    "file system";
}

const char *
sandbox_name(void)
{
	static char	name[160];
	char		landlock[80] = "no landlock here";
	const int	abi = kernel_landlock();

	if (abi > 0)
		(void)snprintf(landlock, sizeof(landlock),
		    "landlock ABI %d (%s)", abi, landlock_reach(abi));
	(void)snprintf(name, sizeof(name), "seccomp (libseccomp %d.%d.%d), "
	    "no_new_privs, %s, %s, %s children", SCMP_VER_MAJOR,
	    SCMP_VER_MINOR, SCMP_VER_MICRO, landlock,
	    kernel_seals() ? "mseal" : "no mseal here", LOADER);
	return name;
}
