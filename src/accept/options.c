/* SPDX-License-Identifier: ISC */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"
#include "options.h"
#include "real.h"

enum {
	VALUE_BYTES = 16,	/* struct timeval, the name of an algorithm */
	OPTIONS_MAX = 48,	/* of one listener: all that are known, more */
	LISTENERS_MAX = 256	/* those that set some; the oldest goes */
};

struct option {
	int		level;
	int		name;
	socklen_t	size;
	unsigned char	value[VALUE_BYTES];
};

struct options {
	ino_t		inode;		/* of the listener; 0: free */
	size_t		n;
	struct option	options[OPTIONS_MAX];
};

/* What is read back from a TCP socket, and whether clients inherit it. */
struct known {
	int	level;
	int	name;
	bool	inherited;
};

static const struct known known[] = {
	{ SOL_SOCKET, SO_REUSEADDR, false },
	{ SOL_SOCKET, SO_REUSEPORT, false },
	{ SOL_SOCKET, SO_BINDTODEVICE, false },
	{ SOL_SOCKET, SO_KEEPALIVE, true },
	{ SOL_SOCKET, SO_LINGER, true },
	{ SOL_SOCKET, SO_OOBINLINE, true },
	{ SOL_SOCKET, SO_SNDBUF, true },
	{ SOL_SOCKET, SO_RCVBUF, true },
	{ SOL_SOCKET, SO_RCVLOWAT, true },
	{ SOL_SOCKET, SO_SNDTIMEO, true },
	{ SOL_SOCKET, SO_RCVTIMEO, true },
	{ SOL_SOCKET, SO_PRIORITY, false },
	{ SOL_SOCKET, SO_MARK, true },
	{ SOL_SOCKET, SO_TIMESTAMP, true },
	{ SOL_SOCKET, SO_DONTROUTE, true },
	{ SOL_SOCKET, SO_BUSY_POLL, true },
	{ SOL_SOCKET, SO_MAX_PACING_RATE, true },
	{ IPPROTO_TCP, TCP_DEFER_ACCEPT, false },
	{ IPPROTO_TCP, TCP_FASTOPEN, false },
	{ IPPROTO_TCP, TCP_NODELAY, true },
	{ IPPROTO_TCP, TCP_CORK, true },
	{ IPPROTO_TCP, TCP_MAXSEG, true },
	{ IPPROTO_TCP, TCP_KEEPIDLE, true },
	{ IPPROTO_TCP, TCP_KEEPINTVL, true },
	{ IPPROTO_TCP, TCP_KEEPCNT, true },
	{ IPPROTO_TCP, TCP_SYNCNT, true },
	{ IPPROTO_TCP, TCP_LINGER2, true },
	{ IPPROTO_TCP, TCP_WINDOW_CLAMP, true },
	{ IPPROTO_TCP, TCP_USER_TIMEOUT, true },
	{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, true },
	{ IPPROTO_TCP, TCP_CONGESTION, true },
	{ IPPROTO_IP, IP_TOS, true },
	{ IPPROTO_IP, IP_TTL, true },
	{ IPPROTO_IP, IP_MTU_DISCOVER, true },
	{ IPPROTO_IP, IP_FREEBIND, false },
	{ IPPROTO_IP, IP_TRANSPARENT, false },
	{ IPPROTO_IPV6, IPV6_V6ONLY, false },
	{ IPPROTO_IPV6, IPV6_TCLASS, true },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, true },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, true }
};

enum { KNOWN = sizeof(known) / sizeof(known[0]) };

static struct options	table[LISTENERS_MAX];
static size_t		next;		/* the place to be taken next */
static atomic_bool	inherited;	/* is there anything to hand down? */
static struct guard	guard = GUARD_FREE;

void
options_lock(void)
{
	guard_take(&guard);
}

void
options_unlock(void)
{
	guard_release(&guard);
}

static ino_t
inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

static struct options *
find(ino_t inode)
{
	size_t i;

	for (i = 0; i < LISTENERS_MAX; i++) {
		if (table[i].inode == inode)
			return &table[i];
	}
	return NULL;
}

/* A copy of what is recorded, possibly nothing. */
static void
look_up(int listener, struct options *copy)
{
	const struct options	*found;
	const ino_t		 inode = inode_of(listener);

	copy->n = 0;
	options_lock();
	found = find(inode);
	if (found != NULL)
		*copy = *found;
	options_unlock();
}

static const struct known *
find_known(int level, int name)
{
	size_t i;

	for (i = 0; i < KNOWN; i++) {
		if (known[i].level == level && known[i].name == name)
			return &known[i];
	}
	return NULL;
}

static bool
is_inherited(int level, int name)
{
	const struct known *one = find_known(level, name);

	return one != NULL && one->inherited;
}

/* Where this option is to be put, or NULL when there is no room. */
static struct option *
room(struct options *options, int level, int name)
{
	size_t i;

	for (i = 0; i < options->n; i++) {
		if (options->options[i].level == level &&
		    options->options[i].name == name)
			return &options->options[i];
	}
	if (options->n == OPTIONS_MAX)
		return NULL;
	return &options->options[options->n++];
}

/* Gives -1 with errno when there is no room for one more. */
static int
record(int listener, const struct option *option)
{
	const ino_t	 inode = inode_of(listener);
	struct options	*options;
	struct option	*place;

	options_lock();
	options = find(inode);
	if (options == NULL) {
		options = &table[next];
		next = (next + 1) % LISTENERS_MAX;
		options->inode = inode;
		options->n = 0;
	}
	place = room(options, option->level, option->name);
	if (place != NULL)
		*place = *option;
	options_unlock();
	if (place == NULL) {
		errno = ENOBUFS;
		return -1;
	}
	if (is_inherited(option->level, option->name))
		atomic_store(&inherited, true);
	return 0;
}

static void
put_all(int fd, const struct options *options)
{
	const struct option	*option;
	size_t			 i;

	for (i = 0; i < options->n; i++) {
		option = &options->options[i];
		/* It was accepted before; what has changed since then is
		 * the kernel's to tell. */
		(void)real()->setsockopt(fd, option->level, option->name,
		    option->value, option->size);
	}
}

/* A TCP socket on which all is set that was set on the listener. */
static int
double_of(int listener, int family)
{
	struct options	options;
	int		fd;

	fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	look_up(listener, &options);
	put_all(fd, &options);
	return fd;
}

/* close(2) may end a thread that is cancelled, those we stand for may not. */
static int
closed(int fd, int status)
{
	const int	error = errno;
	int		before;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	(void)close(fd);	/* never connected */
	(void)pthread_setcancelstate(before, NULL);
	errno = error;
	return status;
}

/* Values that point elsewhere cannot be kept: better say no than lie. */
static bool
can_be_kept(int level, int name, socklen_t size)
{
	/* Of those that are known the kernel reads no more than that. */
	if (size > VALUE_BYTES && find_known(level, name) == NULL)
		return false;
	return level != SOL_SOCKET || (name != SO_ATTACH_FILTER &&
	    name != SO_ATTACH_BPF && name != SO_ATTACH_REUSEPORT_CBPF &&
	    name != SO_ATTACH_REUSEPORT_EBPF);
}

bool
options_tcp(int level, int name)
{
	return level != SOL_SOCKET || (name != SO_ACCEPTCONN &&
	    name != SO_ERROR && name != SO_TYPE && name != SO_PEERCRED);
}

int
options_set(int listener, int family, int level, int name, const void *value,
    socklen_t size)
{
	struct option	option;
	int		fd;

	fd = double_of(listener, family);
	if (fd == -1)
		return -1;
	if (real()->setsockopt(fd, level, name, value, size) == -1)
		return closed(fd, -1);
	/* ipv6(7): not of a socket that is bound, which the double is not. */
	if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY) {
		errno = EINVAL;
		return closed(fd, -1);
	}
	if (!can_be_kept(level, name, size)) {
		errno = ENOPROTOOPT;
		return closed(fd, -1);
	}
	memset(&option, 0, sizeof(option));
	option.level = level;
	option.name = name;
	option.size = size < VALUE_BYTES ? size : VALUE_BYTES;
	if (value != NULL)	/* for IPv6 it may be, and means 0 */
		memcpy(option.value, value, option.size);
	if (record(listener, &option) == -1)
		return closed(fd, -1);
	/* These are for accept(2) as well. */
	if (level == SOL_SOCKET && (name == SO_RCVTIMEO ||
	    name == SO_SNDTIMEO))
		(void)real()->setsockopt(listener, level, name, value, size);
	return closed(fd, 0);
}

int
options_get(int listener, int family, int level, int name, void *value,
    socklen_t *size)
{
	int fd;

	fd = double_of(listener, family);
	if (fd == -1)
		return -1;
	return closed(fd, real()->getsockopt(fd, level, name, value, size));
}

static int
option_read(struct option *option, int fd, const struct known *one)
{
	memset(option, 0, sizeof(*option));
	option->level = one->level;
	option->name = one->name;
	option->size = sizeof(option->value);
	return real()->getsockopt(fd, one->level, one->name, option->value,
	    &option->size);
}

/* socket(7): the kernel doubles the sizes of buffers that it is given. */
static void
option_halve(struct option *option)
{
	int value;

	if (option->level != SOL_SOCKET ||
	    (option->name != SO_SNDBUF && option->name != SO_RCVBUF))
		return;
	memcpy(&value, option->value, sizeof(value));
	value /= 2;
	memcpy(option->value, &value, sizeof(value));
}

void
options_copy(int tcp, int listener, int family)
{
	struct option	was, would;
	size_t		i;
	int		fresh;

	fresh = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fresh == -1)
		return;
	for (i = 0; i < KNOWN; i++) {
		if (option_read(&was, tcp, &known[i]) == -1 ||
		    option_read(&would, fresh, &known[i]) == -1 ||
		    memcmp(&was, &would, sizeof(was)) == 0)
			continue;
		option_halve(&was);
		(void)record(listener, &was);	/* there is room for all */
		if (was.level == SOL_SOCKET && (was.name == SO_RCVTIMEO ||
		    was.name == SO_SNDTIMEO))
			(void)real()->setsockopt(listener, was.level,
			    was.name, was.value, was.size);
	}
	(void)closed(fresh, 0);
}

void
options_inherit(int listener, int client)
{
	const int	priority = 0;
	struct options	options;
	size_t		i, n = 0;

	if (!atomic_load_explicit(&inherited, memory_order_relaxed))
		return;
	look_up(listener, &options);
	for (i = 0; i < options.n; i++) {
		if (is_inherited(options.options[i].level,
		    options.options[i].name))
			options.options[n++] = options.options[i];
	}
	options.n = n;
	put_all(client, &options);
	/* IP_TOS has set it as well, which accept(2) does not. */
	if (n > 0)
		(void)real()->setsockopt(client, SOL_SOCKET, SO_PRIORITY,
		    &priority, sizeof(priority));
}
