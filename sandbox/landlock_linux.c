/* SPDX-License-Identifier: ISC */
/*
 * Linux: Landlock, landlock(7), in addition to the filter.  Definitions of our
 * own: headers are older than kernels.  A kernel without it, or with less of
 * it, is no error; one that has it and does not do it is.
 *
 * Up to ABI 8 it knows nothing of O_PATH, stat(2), and connect(2) to a socket
 * that has a path, which is all that the front does: what keeps that below
 * hosts/ is its filter.
 */
#include <err.h>
#include <stdint.h>
#include <unistd.h>

#include "kernel_linux.h"
#include "sandbox.h"

enum {
	PATH_BENEATH = 1,	/* of landlock_add_rule(2) */
	SCOPED_ABI = 6,		/* ruleset has a third field, Linux 6.12 */
	NETWORK_ABI = 4		/* and a second, Linux 6.7 */
};

/* Bits of handled_fs. */
enum {
	READ_DIR = 1 << 3,
	FIRST_RIGHTS = 13,	/* so many of them in ABI 1 */
	REFER = 1 << 13,	/* ABI 2 */
	TRUNCATE = 1 << 14,	/* ABI 3 */
	IOCTL_DEV = 1 << 15,	/* ABI 5 */
	RESOLVE_UNIX = 1 << 16	/* ABI 9: connect to a socket's path */
};

/* Bits of scoped: what is outside of this process is out of reach. */
enum {
	SCOPE_ABSTRACT_UNIX_SOCKET = 1 << 0,
	SCOPE_SIGNAL = 1 << 1
};

struct ruleset {
	uint64_t	handled_fs;	/* denied, but by a rule */
	uint64_t	handled_net;
	uint64_t	scoped;
};

struct beneath {
	uint64_t	allowed;
	int32_t		directory;
} __attribute__((packed));

static uint64_t
every_right(int abi)
{
	uint64_t rights = (1U << FIRST_RIGHTS) - 1;

	if (abi >= 2)
		rights |= REFER;
	if (abi >= 3)
		rights |= TRUNCATE;
	if (abi >= 5)
		rights |= IOCTL_DEV;
	if (abi >= 9)
		rights |= RESOLVE_UNIX;
	return rights;
}

static size_t
size_known(int abi)
{
	if (abi >= SCOPED_ABI)
		return sizeof(struct ruleset);
	if (abi >= NETWORK_ABI)
		return 2 * sizeof(uint64_t);
	return sizeof(uint64_t);
}

/* Gives a descriptor. */
static int
ruleset_make(int abi, uint64_t rights)
{
	const struct ruleset rules = {
		rights, 0, abi >= SCOPED_ABI ?
		    SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL : 0
	};
	long fd;

	fd = syscall(CALL_LANDLOCK_CREATE_RULESET, &rules, size_known(abi), 0);
	if (fd == -1)
		err(1, "sandbox: landlock");
	return (int)fd;
}

static void
enforce(int rules)
{
	if (syscall(CALL_LANDLOCK_RESTRICT_SELF, rules, 0) == -1)
		err(1, "sandbox: landlock");
	(void)close(rules);	/* in force */
}

void
sandbox_landlock(void)
{
	const int abi = kernel_landlock();

	if (abi > 0)
		enforce(ruleset_make(abi, every_right(abi)));
}

void
sandbox_landlock_hosts(int hosts)
{
	const struct beneath	list = { READ_DIR, hosts };
	const int		abi = kernel_landlock();
	int			rules;

	if (abi == 0)
		return;
	rules = ruleset_make(abi,
	    every_right(abi) & ~(uint64_t)RESOLVE_UNIX);
	if (syscall(CALL_LANDLOCK_ADD_RULE, rules, PATH_BENEATH, &list, 0) ==
	    -1)
		err(1, "sandbox: landlock of hosts");
	enforce(rules);
}
