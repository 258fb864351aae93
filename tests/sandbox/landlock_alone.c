/* SPDX-License-Identifier: ISC */
/*
 * Landlock without a filter, for tests only: what it does by itself.
 *
 * usage: landlock-alone DIRECTORY ABSTRACT [all]
 *
 * As a front has it, DIRECTORY being hosts/, or with "all" as other children
 * have it.  ABSTRACT is the name of an abstract socket of somebody else's.
 * Prints what can still be done, one word a line.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../sandbox/sandbox.h"
#include "../../src/front/hosts_system.h"

static void
tell(const char *what, int result)
{
	if (result != -1)
		(void)printf("%s\n", what);
}

static int
connect_abstract(const char *name)
{
	struct sockaddr_un	address;
	const size_t		n = strlen(name);
	int			fd;

	memset(&address, 0, sizeof(address));
	address.sun_family = AF_UNIX;
	if (n > sizeof(address.sun_path) - 1)
		errx(1, "%s: too long", name);
	memcpy(address.sun_path + 1, name, n);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd == -1)
		err(1, "socket");
	return connect(fd, (const struct sockaddr *)&address,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n));
}

static int
connect_tenant(int hosts)
{
	int pinned, backend;

	pinned = hosts_entry(hosts, "socket", HOSTS_WAIT);
	if (pinned == -1)
		return -1;
	return hosts_connect(pinned, HOSTS_HEARS, &backend) == REFUSAL_NONE ?
	    0 : -1;
}

int
main(int argc, char *argv[])
{
	static struct hosts_names	names;
	int				hosts;

	if (argc < 3)
		errx(1, "usage: landlock-alone DIRECTORY ABSTRACT [all]");
	hosts = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (hosts == -1)
		err(1, "%s", argv[1]);
	sandbox_harden("landlock-alone");
	if (argc == 3)
		sandbox_landlock_hosts(hosts);
	else
		sandbox_landlock();
	tell("list", hosts_list(hosts, &names));
	tell("connect", connect_tenant(hosts));
	tell("read", open("/proc/self/status", O_RDONLY));
	tell("list-outside", open("/", O_RDONLY | O_DIRECTORY));
	tell("abstract", connect_abstract(argv[2]));
	tell("signal", kill(getppid(), 0));
	return 0;
}
