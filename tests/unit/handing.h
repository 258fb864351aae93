/* SPDX-License-Identifier: ISC */
#ifndef USHER_HANDING_H
#define USHER_HANDING_H

/* A listener in a directory of its own, and what usherd does to it. */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/accept/usher_accept.h"

#define GOOD	"usher\1t\0"

static const char	good[] = GOOD;

enum {
	SIZE = 8,
	MANY = 253		/* SCM_MAX_FD */
};

static char			directory[] = "/tmp/usher-unit.XXXXXX";
static char			path[sizeof(directory) + 16];
static int			listener, before;
static struct sockaddr_un	here;
static struct usher_trust	trust;
static uid_t			own;

/* A TCP connection: what a client has, and what usherd accepted. */
struct connection {
	int			client;
	int			accepted;
	struct sockaddr_storage	address;	/* of the client */
	socklen_t		size;
};

static inline int
count_descriptors(void)
{
	DIR	*list = opendir("/proc/self/fd");
	int	 n = 0;

	ck_assert_ptr_nonnull(list);
	while (readdir(list) != NULL)
		n++;
	(void)closedir(list);
	return n;
}

static inline void
begin(void)
{
	before = count_descriptors();
	strcpy(directory + sizeof(directory) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/tls-handoff", directory);
	memset(&here, 0, sizeof(here));
	here.sun_family = AF_UNIX;
	(void)snprintf(here.sun_path, sizeof(here.sun_path), "%s", path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	ck_assert_int_ne(listener, -1);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&here,
	    sizeof(here)), 0);
	ck_assert_int_eq(listen(listener, 128), 0);
	own = getuid();
	trust.uids = &own;
	trust.nuids = 1;
}

static inline void
end(void)
{
	(void)close(listener);
	(void)unlink(path);
	(void)rmdir(directory);
	ck_assert_int_eq(count_descriptors(), before);
}

static inline void
connection_make(struct connection *made, int family)
{
	struct sockaddr_in	 in;
	struct sockaddr_in6	 in6;
	struct sockaddr		*any = (struct sockaddr *)&in;
	socklen_t		 size = sizeof(in);
	int			 server;

	memset(&in, 0, sizeof(in));
	in.sin_family = AF_INET;
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	memset(&in6, 0, sizeof(in6));
	in6.sin6_family = AF_INET6;
	in6.sin6_addr = in6addr_loopback;
	if (family == AF_INET6) {
		any = (struct sockaddr *)&in6;
		size = sizeof(in6);
	}
	server = socket(family, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(server, any, size), 0);
	ck_assert_int_eq(listen(server, 1), 0);
	ck_assert_int_eq(getsockname(server, any, &size), 0);
	made->client = socket(family, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(made->client, any, size), 0);
	made->accepted = accept4(server, NULL, NULL, SOCK_NONBLOCK);
	ck_assert_int_ne(made->accepted, -1);
	made->size = sizeof(made->address);
	ck_assert_int_eq(getsockname(made->client,
	    (struct sockaddr *)&made->address, &made->size), 0);
	(void)close(server);
}

static inline void
connection_close(const struct connection *made)
{
	(void)close(made->client);
	if (made->accepted != -1)
		(void)close(made->accepted);
}

static inline int
stream_connect(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&here, sizeof(here)),
	    0);
	return fd;
}

static inline void
send_on(int stream, const char *bytes, size_t size, const int *fds, int n)
{
	union {
		struct cmsghdr	header;
		unsigned char	bytes[CMSG_SPACE(sizeof(int) * MANY)];
	} control;
	struct iovec	 iov = { (void *)(uintptr_t)bytes, size };
	struct msghdr	 msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr	*header;

	if (n > 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)n);
		header = CMSG_FIRSTHDR(&msg);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)n);
		memcpy(CMSG_DATA(header), fds, sizeof(int) * (size_t)n);
	}
	ck_assert_int_eq(sendmsg(stream, &msg, MSG_NOSIGNAL), (ssize_t)size);
}

/* Gives the stream, with one message on it. */
static inline int
hand(const char *bytes, size_t size, const int *fds, int n)
{
	int stream = stream_connect();

	send_on(stream, bytes, size, fds, n);
	return stream;
}

static inline int
take(int flags)
{
	return usher_accept(listener, &trust, NULL, NULL, flags);
}

/* It is closed, and the next accept finds nothing. */
static inline void
refused(int stream)
{
	char byte;

	ck_assert_int_eq(take(SOCK_CLOEXEC), -1);
	ck_assert_int_eq(errno, EAGAIN);
	/* ECONNRESET: not all was read */
	ck_assert_int_le(read(stream, &byte, 1), 0);
	(void)close(stream);
}

/* The very connection, and not some other. */
static inline void
is_that(int fd, const struct connection *made)
{
	char byte = 0;

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(write(made->client, "x", 1), 1);
	(void)fcntl(fd, F_SETFL, 0);
	ck_assert_int_eq(read(fd, &byte, 1), 1);
	ck_assert_int_eq(byte, 'x');
}

#endif
