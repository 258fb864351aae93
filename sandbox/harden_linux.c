/* SPDX-License-Identifier: ISC */
/*
 * Linux: rights that every process of ours gives up before it has its filter,
 * or has none.
 */
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <linux/capability.h>

#include <err.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "capabilities_linux.h"
#include "sandbox.h"

static void
harden(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		err(1, "sandbox: no_new_privs");
	/*
	 * exec has set it back to 1, and then a sibling of the same user could
	 * take our descriptors with pidfd_getfd(2).
	 */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		err(1, "sandbox: dumpable");
}

void
sandbox_harden(const char *name)
{
	struct __user_cap_header_struct	header;
	struct __user_cap_data_struct	none[2];

	memset(&header, 0, sizeof(header));
	memset(none, 0, sizeof(none));
	header.version = _LINUX_CAPABILITY_VERSION_3;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1 ||
	    syscall(SYS_capset, &header, none) == -1)
		err(1, "sandbox: capabilities");
	harden();
	/* Before Linux 6.14 a program that is executed by its descriptor has
	 * that number for a name. */
	if (prctl(PR_SET_NAME, name, 0, 0, 0) == -1)
		err(1, "sandbox: name");
	/* After the change of ids, which takes it back. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1)
		err(1, "sandbox: parent death signal");
}

void
sandbox_harden_launcher(void)
{
	const uint32_t			needed = LAUNCHER_CAPABILITIES;
	struct __user_cap_header_struct	header;
	struct __user_cap_data_struct	data[2];

	harden();
	memset(&header, 0, sizeof(header));
	header.version = _LINUX_CAPABILITY_VERSION_3;
	if (syscall(SYS_capget, &header, data) == -1)
		err(1, "sandbox: capabilities");
	data[0].permitted &= needed;
	data[0].effective &= needed;
	data[0].inheritable &= needed;
	memset(&data[1], 0, sizeof(data[1]));
	if (syscall(SYS_capset, &header, data) == -1)
		err(1, "sandbox: capabilities");
}
