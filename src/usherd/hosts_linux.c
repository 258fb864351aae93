/* SPDX-License-Identifier: ISC */
/*
 * Linux: hosts/ by openat2(2), tenants' sockets by /proc/self/fd.
 */
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hosts.h"
#include "linux.h"
#include "slots.h"

enum {
	RACES_MAX = 32,		/* EAGAIN: a rename came in between */
	BACKENDS_MAX = 64,	/* sockets looked at in a directory of them */
	ENTRIES_MAX = 256,	/* and entries: a tenant could make a million */
	PATH_BYTES = 1024
};

#define INSIDE	(RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV)

const struct open_how hosts_questions[HOSTS_QUESTIONS] = {
	[HOSTS_ENTRY] = { O_PATH | O_NOFOLLOW | O_CLOEXEC, 0, INSIDE },
	[HOSTS_DIRECTORY] = { O_PATH | O_DIRECTORY | O_CLOEXEC, 0, INSIDE },
	[HOSTS_LIST] = { O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, INSIDE },
	[HOSTS_SOCKET] = { O_PATH | O_CLOEXEC, 0, INSIDE },
};

static int hosts = -1;

struct backends {
	char	names[BACKENDS_MAX][NAME_MAX + 1];
	size_t	n;
};

static int
ask(int directory, const char *path, enum hosts_question question)
{
	long	fd;
	int	race;

	for (race = 0; race < RACES_MAX; race++) {
		fd = syscall(SYS_openat2, directory, path,
		    &hosts_questions[question],
		    sizeof(hosts_questions[question]));
		if (fd != -1 || (errno != EAGAIN && errno != EINTR))
			return (int)fd;
	}
	return -1;
}

static enum refusal
refusal_of(int error)
{
	switch (error) {
	case ENOENT:
		return REFUSAL_NO_SOCKET;
	case EACCES:
	case EPERM:
		return REFUSAL_DENIED;
	case ECONNREFUSED:
		return REFUSAL_REFUSED;
	case EAGAIN:
		return REFUSAL_BUSY;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
		return REFUSAL_OVERLOAD;
	default:
		return REFUSAL_UNREACHABLE;
	}
}

void
hosts_open(const char *path)
{
	struct stat st;

	hosts = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (hosts == -1 || fstat(hosts, &st) == -1)
		err(1, "hosts directory %s", path);
	if ((st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0)
		errx(1, "hosts directory %s: anybody may rename anybody's host"
		    " in it: chmod o-w, or chmod +t", path);
	hosts = slot_fix(hosts);
}

/* Who made this entry of hosts/?  A squatter must not get names with '_'. */
static bool
entry_trusted(const char *key)
{
	struct stat	entry, ours;
	int		fd;
	bool		trusted;

	fd = ask(hosts, key, HOSTS_ENTRY);
	if (fd == -1)
		return false;
	trusted = fstat(fd, &entry) == 0 && fstat(hosts, &ours) == 0 &&
	    (entry.st_uid == 0 || entry.st_uid == ours.st_uid);
	(void)close(fd);	/* O_PATH: nothing to be lost */
	return trusted;
}

/* Gives REFUSAL_UNKNOWN when there is no such entry. */
static enum refusal
open_key(struct host *host, const char *prefix, const char *name)
{
	int n;

	n = snprintf(host->key, sizeof(host->key), "%s%s", prefix, name);
	if (n < 0 || (size_t)n >= sizeof(host->key))
		return REFUSAL_UNKNOWN;
	if (host->key[0] == '_' && !entry_trusted(host->key))
		return REFUSAL_UNKNOWN;
	host->directory = ask(hosts, host->key, HOSTS_DIRECTORY);
	if (host->directory != -1)
		return REFUSAL_NONE;
	return errno == ENOENT ? REFUSAL_UNKNOWN : refusal_of(errno);
}

enum refusal
host_open(struct host *host, const struct hostname *name)
{
	enum refusal	 refusal;
	const char	*parent;

	host->directory = -1;
	if (name == NULL) {
		refusal = open_key(host, "_nosni", "");
		return refusal == REFUSAL_UNKNOWN ? REFUSAL_NO_NAME : refusal;
	}
	refusal = open_key(host, "", name->text);
	parent = hostname_parent(name);
	if (refusal == REFUSAL_UNKNOWN && parent != NULL)
		refusal = open_key(host, "_.", parent);
	if (refusal == REFUSAL_UNKNOWN)
		refusal = open_key(host, "_default", "");
	return refusal;
}

void
host_close(struct host *host)
{
	if (host->directory != -1)
		(void)close(host->directory);	/* O_PATH */
	host->directory = -1;
}

int
host_tenant(const struct host *host, struct tenant *tenant)
{
	struct stat st;

	if (fstat(host->directory, &st) == -1)
		return -1;
	tenant->device = st.st_dev;
	tenant->directory = st.st_ino;
	tenant->owner = st.st_uid;
	return 0;
}

static bool
same_directory(int a, int b)
{
	struct stat first, second;

	return fstat(a, &first) == 0 && fstat(b, &second) == 0 &&
	    first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

bool
host_moved(const struct host *host)
{
	int	now;
	bool	same;

	now = ask(hosts, host->key, HOSTS_DIRECTORY);
	same = now != -1 && same_directory(now, host->directory);
	if (now != -1)
		(void)close(now);	/* O_PATH */
	return !same;
}

/*
 * Opens what lies below the host's directory.  A link that leads out of it
 * but stays inside hosts/ gives EXDEV at first: it is then looked up from
 * hosts/ on, and counts only if the host's name still leads to the directory
 * that was found before, so that all files of one connection are of one host.
 */
static int
ask_below(const struct host *host, const char *path,
    enum hosts_question question)
{
	char	whole[PATH_BYTES];
	int	fd, n;

	fd = ask(host->directory, path, question);
	if (fd != -1 || errno != EXDEV)
		return fd;
	n = snprintf(whole, sizeof(whole), "%s/%s", host->key, path);
	if (n < 0 || (size_t)n >= sizeof(whole))
		return -1;
	fd = ask(hosts, whole, question);
	if (fd == -1 || !host_moved(host))
		return fd;
	(void)close(fd);	/* O_PATH, or a directory to be read */
	errno = EXDEV;
	return -1;
}

bool
host_has(const struct host *host, const char *entry)
{
	int fd;

	fd = ask(host->directory, entry, HOSTS_ENTRY);
	if (fd == -1)
		return false;
	(void)close(fd);	/* O_PATH */
	return true;
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
	const int off = 0;

	if (ear == HOSTS_DEAF) {
		(void)shutdown(backend, SHUT_RD);
		return;
	}
	(void)setsockopt(backend, SOL_SOCKET, LINUX_SO_PASSRIGHTS, &off,
	    sizeof(off));
}

/*
 * Connects to the very socket that was looked at: the path names the
 * descriptor, so nothing is resolved again and no length limit applies.
 */
static enum refusal
connect_pinned(int pinned, enum hosts_ear ear, int *backend)
{
	struct sockaddr_un	address;
	int			error;

	memset(&address, 0, sizeof(address));
	address.sun_family = AF_UNIX;
	(void)snprintf(address.sun_path, sizeof(address.sun_path),
	    "/proc/self/fd/%d", pinned);	/* fits: 14 bytes and an int */
	*backend = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (*backend == -1)
		return REFUSAL_OVERLOAD;
	close_ear(*backend, ear);
	if (connect(*backend, (struct sockaddr *)&address,
	    sizeof(address)) == 0)
		return REFUSAL_NONE;
	error = errno;
	(void)close(*backend);	/* never connected */
	*backend = -1;
	return refusal_of(error);
}

static void
list_backends(struct backends *backends, int list)
{
	struct dirent	*entry;
	DIR		*dir;
	int		 seen;

	backends->n = 0;
	dir = fdopendir(list);
	if (dir == NULL) {
		(void)close(list);	/* read only */
		return;
	}
	for (seen = 0; seen < ENTRIES_MAX; seen++) {
		if (backends->n == BACKENDS_MAX ||
		    (entry = readdir(dir)) == NULL)
			break;
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(backends->names[backends->n++],
		    sizeof(backends->names[0]), "%s", entry->d_name);
	}
	(void)closedir(dir);
}

static size_t
random_below(size_t n)
{
	unsigned int value;

	if (getrandom(&value, sizeof(value), 0) != (ssize_t)sizeof(value))
		return 0;	/* any order will do */
	return value % n;
}

static enum refusal
connect_one_of(const struct host *host, const char *entry,
    enum hosts_ear ear, int *backend)
{
	static struct backends	 backends;	/* too large for the stack */
	char			 path[PATH_BYTES];
	enum refusal		 refusal = REFUSAL_NO_SOCKET;
	struct stat		 st;
	size_t			 i;
	int			 fd;

	fd = ask_below(host, entry, HOSTS_LIST);
	if (fd == -1)
		return refusal_of(errno);
	list_backends(&backends, fd);
	while (backends.n > 0) {
		i = random_below(backends.n);
		(void)snprintf(path, sizeof(path), "%s/%s", entry,
		    backends.names[i]);
		backends.n--;
		memmove(backends.names[i], backends.names[backends.n],
		    sizeof(backends.names[i]));
		fd = ask_below(host, path, HOSTS_SOCKET);
		if (fd == -1)
			continue;
		if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
			refusal = connect_pinned(fd, ear, backend);
		(void)close(fd);	/* O_PATH */
		if (refusal == REFUSAL_NONE)
			return refusal;
	}
	return refusal;
}

enum refusal
host_connect(const struct host *host, const char *entry,
    enum hosts_ear ear, int *backend)
{
	enum refusal	refusal = REFUSAL_UNREACHABLE;
	struct stat	st;
	int		fd;

	*backend = -1;
	fd = ask_below(host, entry, HOSTS_SOCKET);
	if (fd == -1)
		return refusal_of(errno);
	if (fstat(fd, &st) == -1)
		refusal = REFUSAL_UNREACHABLE;
	else if (S_ISSOCK(st.st_mode))
		refusal = connect_pinned(fd, ear, backend);
	else if (S_ISDIR(st.st_mode))
		refusal = connect_one_of(host, entry, ear, backend);
	(void)close(fd);	/* O_PATH */
	return refusal;
}
