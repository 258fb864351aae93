/* SPDX-License-Identifier: ISC */
/*
 * The front's sandbox without a front, for tests only: the descriptors and the
 * threads that a front has, its filter, and then an attack of attacks.c.
 *
 * usage: front-alone DIRECTORY ATTACK
 *
 * DIRECTORY stands for hosts/, and what is called "socket" in it for a
 * tenant's.  Exits 0 when nothing has stopped the attack.  "rights" is what
 * the filter does allow: exits 0 when all of it worked, else with the number
 * of the first step that did not.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "../../sandbox/sandbox.h"
#include "../../sandbox/kernel_linux.h"
#include "../../src/front/hosts_system.h"
#include "../../src/front/linux.h"
#include "../../src/front/slots.h"
#include "attacks.h"
#include "calls.h"

/* What has which number. */
enum {
	LOG_PIPE = 5,
	COUNTERS,
	HOSTS,
	LISTENER,
	SLOT,
	ORDERS_READ,
	ORDERS_WRITE,
	ANSWERS_READ,
	ANSWERS_WRITE,
	LAUNCHERS_CONTROL,	/* other ends */
	LAUNCHERS_REPORT,
	LOGS_PIPE,
	UNUSED
};

static int failed_step;
static int sealing;		/* does this kernel seal pages? */

static void
put(int fd, int number)
{
	if (fd == -1 || dup3(fd, number, O_CLOEXEC) == -1)
		err(1, "descriptor %d", number);
	(void)close(fd);	/* its duplicate is in use */
}

/* Out of the way of the numbers that are given out. */
static int
far(int fd)
{
	int other;

	other = fcntl(fd, F_DUPFD_CLOEXEC, FAR);
	if (other == -1)
		err(1, "descriptors");
	(void)close(fd);	/* its duplicate is in use */
	return other;
}

static void
put_pair(const int ends[2], int first, int second)
{
	const int one = far(ends[0]), other = far(ends[1]);

	put(one, first);
	put(other, second);
}

static void
put_pipe(int read_end, int write_end)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) == -1)
		err(1, "pipe");
	put_pair(ends, read_end, write_end);
}

static void
descriptors_make(const char *directory)
{
	int fd, ends[2];

	fd = far(open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == -1)
		err(1, "control");
	put_pair(ends, CHILD_CONTROL, LAUNCHERS_CONTROL);
	put_pipe(LAUNCHERS_REPORT, CHILD_REPORT);
	put_pipe(LOGS_PIPE, LOG_PIPE);
	put_pipe(ORDERS_READ, ORDERS_WRITE);
	put_pipe(ANSWERS_READ, ANSWERS_WRITE);
	put(far(socket(AF_UNIX, SOCK_STREAM, 0)), LISTENER);
	put(fd, HOSTS);
	put(far(open("/dev/null", O_RDWR)), COUNTERS);
	put(far(open("/dev/null", O_RDWR)), SLOT);
	for (fd = UNUSED; fd < SLOTS_BASE; fd++)
		put(far(open("/dev/null", O_RDWR)), fd);
}

static void
must(int truth)
{
	failed_step++;
	if (!truth)
		_exit(failed_step);
}

/* In any thread: gives whether both a socket and what is none were tried. */
static int
connect_once(void)
{
	enum refusal	refusal;
	int		pinned, backend;

	pinned = hosts_entry(HOSTS, "socket", HOSTS_WAIT);
	if (pinned < SLOTS_BASE)
		return 0;
	refusal = hosts_connect(pinned, HOSTS_HEARS, &backend);
	if (close(pinned) == -1 || refusal != REFUSAL_NONE ||
	    close(backend) == -1)
		return 0;
	return hosts_connect(HOSTS, HOSTS_DEAF, &backend) == REFUSAL_REFUSED;
}

static void *
thread(void *unused)
{
	char byte = 1;

	while (write(ANSWERS_WRITE, &byte, 1) == 1 &&
	    read(ORDERS_READ, &byte, 1) == 1)
		byte = (char)connect_once();
	return unused;
}

static void
enter(void)
{
	static const int		slots[] = { SLOT };
	static const int		pipes[] = {
		ORDERS_WRITE, ANSWERS_WRITE
	};
	const struct sandbox_front	front = {
		slots, 1, NULL, 0, -1, pipes, 2
	};
	pthread_t			one;
	char				byte;
	int				i;

	sealing = kernel_seals();
	sandbox_harden("front-alone");
	sandbox_landlock_hosts(HOSTS);
	for (i = 0; i < HOSTS_THREADS - 1; i++) {
		if (pthread_create(&one, NULL, thread, NULL) != 0)
			errx(1, "thread");
	}
	/* What a C library does at the start of a thread is no right. */
	for (i = 0; i < HOSTS_THREADS - 1; i++) {
		if (read(ANSWERS_READ, &byte, 1) != 1)
			errx(1, "threads");
	}
	sandbox_enter_front(&front);
	if (dup2(STDIN_FILENO, STDERR_FILENO) == -1)
		err(1, "stderr");
}

/* Every thread connects, each by a number of its own. */
static void
rights_of_threads(void)
{
	struct stat	null, st;
	char		byte = 0;
	int		i;

	must(hosts_stat(STDIN_FILENO, &null) == 0);
	must(connect_once());
	for (i = 0; i < 100; i++)
		must(write(ORDERS_WRITE, &byte, 1) == 1);
	for (i = 0; i < 100; i++)
		must(read(ANSWERS_READ, &byte, 1) == 1 && byte == 1);
	/* and nothing of a tenant is left there: it is stdin again. */
	for (i = HOSTS_CONNECTORS_FIRST; i < HOSTS_CONNECTORS_END; i++)
		must(hosts_stat(i, &st) == 0 && st.st_ino == null.st_ino);
}

/* The pages of the constants are there to stay. */
static void
rights_of_pages(void)
{
	const uintptr_t	size = (uintptr_t)sysconf(_SC_PAGESIZE);
	void		*page = (void *)((uintptr_t)hosts_addresses &
			    ~(size - 1));

	if (!sealing)
		return;
	must(munmap(page, size) == -1 && errno == EPERM);
	must(mremap(page, size, size * 16, MREMAP_MAYMOVE) == MAP_FAILED &&
	    errno == EPERM);
}

static void
rights(void)
{
	static struct hosts_names	names;
	struct stat			st;
	char				byte = 0;
	int				fd;

	must(write(LOG_PIPE, &byte, 1) == 1);
	must(write(CHILD_REPORT, &byte, 1) == 1);
	must(write(STDERR_FILENO, &byte, 1) == 1);
	fd = hosts_entry(HOSTS, ".", HOSTS_NOW);
	must(fd >= SLOTS_BASE);
	must(hosts_stat(fd, &st) == 0 && S_ISDIR(st.st_mode));
	must(hosts_list(fd, &names) == 0);
	must(names.n == 1 && strcmp(names.name[0], "socket") == 0);
	must(dup3(fd, SLOT, O_CLOEXEC) == SLOT && close(fd) == 0);
	must(hosts_entry(HOSTS, "..", HOSTS_WAIT) == -1 && errno == EXDEV);
	rights_of_pages();
	rights_of_threads();
}

int
main(int argc, char *argv[])
{
	int attack;

	if (argc != 3)
		errx(1, "usage: front-alone DIRECTORY ATTACK");
	attack = strcmp(argv[2], "rights");
	if (attack && attack_number(KEYS, argv[2]) == -1)
		errx(1, "%s: no such attack", argv[2]);
	descriptors_make(argv[1]);
	enter();
	if (attack)
		attack_by_name(KEYS, argv[2]);
	else
		rights();
	return 0;
}
