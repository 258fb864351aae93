/* SPDX-License-Identifier: ISC */
/*
 * Linux: whether what the sandbox needs can be had here, asked while there is
 * still somebody who reads the answer.
 */
#include <sys/syscall.h>

#include <linux/capability.h>
#include <linux/seccomp.h>

#include <err.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "sandbox.h"

static void
try_seccomp(void)
{
	const uint32_t kill_process = SECCOMP_RET_KILL_PROCESS;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0,
	    &kill_process) == 0)
		return;
	if (errno == EPERM || errno == ENOSYS)
		errx(1, "sandbox: seccomp(2) is not to be had here (%s): the "
		    "kernel needs CONFIG_SECCOMP_FILTER, and a service unit's "
		    "SystemCallFilter= must allow it", strerror(errno));
	err(1, "sandbox: seccomp(2)");
}

/* What root needs to make children that chroot and become another user, and
 * to end them. */
static void
try_capabilities(void)
{
	static const struct {
		unsigned int	 bit;
		const char	*name;
	}				needed[] = {
		{ CAP_SETUID, "CAP_SETUID" },
		{ CAP_SETGID, "CAP_SETGID" },
		{ CAP_SYS_CHROOT, "CAP_SYS_CHROOT" },
		{ CAP_KILL, "CAP_KILL" }
	};
	struct __user_cap_header_struct	header;
	struct __user_cap_data_struct	data[2];
	size_t				i;

	memset(&header, 0, sizeof(header));
	header.version = _LINUX_CAPABILITY_VERSION_3;
	if (syscall(SYS_capget, &header, data) == -1)
		err(1, "sandbox: capabilities");
	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if ((data[0].effective & 1U << needed[i].bit) == 0)
			errx(1, "started as root without %s: give it to the "
			    "service or container, or start as the user of -u",
			    needed[i].name);
	}
}

void
sandbox_try(void)
{
	try_seccomp();
	if (geteuid() == 0)
		try_capabilities();
}
