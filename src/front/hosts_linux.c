/* SPDX-License-Identifier: ISC */
/*
 * Linux: entries below hosts/ by openat2(2), tenants' sockets by
 * /proc/self/fd.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hosts_system.h"
#include "linux.h"

/* One component is asked for at a time, so no question ever needs a link. */
#define INSIDE	(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | \
		    RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV)

const struct open_how hosts_questions[HOSTS_QUESTIONS] = {
	[HOSTS_ENTRY] = { O_PATH | O_NOFOLLOW | O_CLOEXEC, 0, INSIDE },
	[HOSTS_CACHED] = { O_PATH | O_NOFOLLOW | O_CLOEXEC, 0,
	    INSIDE | LINUX_RESOLVE_CACHED },
	[HOSTS_LIST] = { O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, INSIDE },
};

const char hosts_empty_path[] = "";

/* From HOSTS_CONNECTORS_FIRST on. */
const struct sockaddr_un hosts_addresses[HOSTS_CONNECTORS] = {
	{ AF_UNIX, "/proc/self/fd/491" },
	{ AF_UNIX, "/proc/self/fd/492" },
	{ AF_UNIX, "/proc/self/fd/493" },
	{ AF_UNIX, "/proc/self/fd/494" },
	{ AF_UNIX, "/proc/self/fd/495" },
	{ AF_UNIX, "/proc/self/fd/496" },
	{ AF_UNIX, "/proc/self/fd/497" },
	{ AF_UNIX, "/proc/self/fd/498" },
	{ AF_UNIX, "/proc/self/fd/499" },
};

_Static_assert(HOSTS_CONNECTORS_FIRST == 491, "the first address");

/* Linux 5.12; before that, names are asked for as if there were no cache. */
static bool have_cached = true;

/* What getdents64(2) gives, in the kernel's words. */
struct entry {
	uint64_t	inode;
	int64_t		offset;
	uint16_t	size;		/* of this record */
	uint8_t		type;
	char		name[];
};

static int
ask(int directory, const char *path, enum hosts_question question)
{
	long fd;

	do {
		fd = syscall(SYS_openat2, directory, path,
		    &hosts_questions[question],
		    sizeof(hosts_questions[question]));
	} while (fd == -1 && errno == EINTR);
	return (int)fd;
}

int
hosts_entry(int directory, const char *name, enum hosts_wait wait)
{
	return ask(directory, name, wait == HOSTS_NOW && have_cached ?
	    HOSTS_CACHED : HOSTS_ENTRY);
}

/* openat2(2) and /proc are asked as they will be for each connection. */
void
hosts_system_try(int hosts, const char *path)
{
	char		 self[32];
	struct stat	 ours, shown;
	int		 fd;

	fd = ask(hosts, ".", HOSTS_ENTRY);
	if (fd == -1 && (errno == ENOSYS || errno == EPERM))
		errx(1, "openat2(2) cannot be used here: it needs Linux 5.6, "
		    "and a service unit without RestrictSUIDSGID= and with a "
		    "SystemCallFilter= that allows it");
	if (fd != -1)
		(void)close(fd);	/* O_PATH: nothing to be lost */
	fd = ask(hosts, ".", HOSTS_CACHED);
	have_cached = fd != -1 || errno != EINVAL;
	if (fd != -1)
		(void)close(fd);	/* O_PATH */
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", hosts);
	if (fstat(hosts, &ours) == -1)
		err(1, "hosts directory %s", path);
	if (stat(self, &shown) == -1 || ours.st_ino != shown.st_ino ||
	    ours.st_dev != shown.st_dev)
		errx(1, "/proc is not mounted: tenants' sockets are connected "
		    "to by /proc/self/fd");
}

ssize_t
hosts_link(int link, char *text, size_t size)
{
	return readlinkat(link, hosts_empty_path, text, size);
}

int
hosts_stat(int fd, struct stat *st)
{
	return fstatat(fd, hosts_empty_path, st, AT_EMPTY_PATH);
}

enum refusal
hosts_refusal(int error)
{
	switch (error) {
	case ENOENT:
		return REFUSAL_NO_SOCKET;
	case EACCES:
	case EPERM:
		return REFUSAL_DENIED;
	case ENOTDIR:
		return REFUSAL_NOT_SOCKET;
	case ELOOP:
	case ENAMETOOLONG:
		return REFUSAL_LINK_LOOP;
	case EXDEV:
		return REFUSAL_FILE_SYSTEM;
	case EAGAIN:
		return REFUSAL_RACE;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
		return REFUSAL_OVERLOAD;
	default:
		return REFUSAL_UNREACHABLE;
	}
}

static enum refusal
connect_refusal(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return REFUSAL_REFUSED;
	case EAGAIN:
		return REFUSAL_BUSY;
	case EPROTOTYPE:	/* of datagrams or of packets */
		return REFUSAL_NOT_SOCKET;
	case ENOENT:		/* /proc has gone */
		return REFUSAL_UNREACHABLE;
	default:
		return hosts_refusal(error);
	}
}

/* Takes the names out of n bytes of records. */
static void
names_take(struct hosts_names *names, size_t n)
{
	const size_t		 fixed = offsetof(struct entry, name);
	const struct entry	*entry;
	size_t			 at;

	names->n = 0;
	for (at = 0; n - at > fixed; at += entry->size) {
		entry = (const void *)(names->bytes + at);
		if (entry->size <= fixed || entry->size > n - at ||
		    names->n == HOSTS_NAMES_MAX)
			break;	/* the kernel gives no such thing */
		if (entry->name[0] == '.' || (entry->type != DT_SOCK &&
		    entry->type != DT_LNK && entry->type != DT_UNKNOWN))
			continue;
		names->name[names->n++] = entry->name;
	}
}

int
hosts_list(int directory, struct hosts_names *names)
{
	long	n;
	int	list, error;

	names->n = 0;
	list = ask(directory, ".", HOSTS_LIST);
	if (list == -1)
		return -1;
	n = syscall(SYS_getdents64, list, names->bytes,
	    sizeof(names->bytes));
	error = errno;
	(void)close(list);	/* read only */
	errno = error;
	if (n == -1)
		return -1;
	names_take(names, (size_t)n);
	return 0;
}

/*
 * Before it is connected, so that there is no moment in which it is open.  A
 * descriptor that a tenant sends would be closed by us or by the relay, and
 * the last close of a TCP socket with SO_LINGER (socket(7)) takes as long as
 * he likes.  Kernels before 6.16 do not have SO_PASSRIGHTS, and there a relay
 * can be held up so.
 */
static void
close_ear(int backend, enum hosts_ear ear)
{
	const int on = 1, off = 0;

	if (ear == HOSTS_DEAF) {
		(void)shutdown(backend, SHUT_RD);
		return;
	}
	/* So that peeking and splicing see the same bytes: a byte that the
	 * tenant sends with MSG_OOB is one like any other. */
	(void)setsockopt(backend, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
	(void)setsockopt(backend, SOL_SOCKET, LINUX_SO_PASSRIGHTS, &off,
	    sizeof(off));
}

/* The calling thread's own, from its first connection on. */
static int
connector_mine(void)
{
	static atomic_int		taken;
	static _Thread_local int	mine = -1;

	if (mine == -1)
		mine = atomic_fetch_add(&taken, 1);
	return mine;
}

/*
 * The path names a descriptor, so nothing is resolved again and no limit on
 * its length applies.  Then there is /dev/null again, which stdin is: nothing
 * of a tenant's is kept.
 */
static int
connect_pinned(int pinned, int backend)
{
	const int	n = connector_mine();
	int		result, error;

	if (n >= HOSTS_CONNECTORS) {
		errno = EMFILE;
		return -1;
	}
	if (dup3(pinned, HOSTS_CONNECTORS_FIRST + n, O_CLOEXEC) == -1)
		return -1;
	result = connect(backend,
	    (const struct sockaddr *)&hosts_addresses[n],
	    sizeof(hosts_addresses[n]));
	error = errno;
	/* If it fails, the next takes that place all the same. */
	(void)dup3(STDIN_FILENO, HOSTS_CONNECTORS_FIRST + n, O_CLOEXEC);
	errno = error;
	return result;
}

enum refusal
hosts_connect(int pinned, enum hosts_ear ear, int *backend)
{
	int error;

	*backend = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (*backend == -1)
		return REFUSAL_OVERLOAD;
	close_ear(*backend, ear);
	if (connect_pinned(pinned, *backend) == 0)
		return REFUSAL_NONE;
	error = errno;
	(void)close(*backend);	/* never connected */
	*backend = -1;
	return connect_refusal(error);
}
