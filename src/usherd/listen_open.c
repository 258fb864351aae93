/* SPDX-License-Identifier: ISC */
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/address.h"
#include "../common/tcp_options.h"
#include "descriptors.h"
#include "listen_open.h"

enum {
	LISTEN_FDS_START = 3,	/* sd_listen_fds(3) */
	ADDRESS_MAX = 128
};

struct opening {
	struct listener	*listeners;
	size_t		 n;
	size_t		 max;
};

static const char *
flag(enum protocol protocol)
{
	return protocol == PROTOCOL_TLS ? "-t" : "-p";
}

static void
options_set(struct listener *listener, const char *name)
{
	int flags;

	if (tcp_options_off(listener->fd, &listener->changed) == -1 ||
	    (!listener->given &&
	    tcp_options_on(listener->fd, listener->changed) == -1))
		err(1, "%s", name);
	flags = fcntl(listener->fd, F_GETFL);
	if (flags == -1 ||
	    fcntl(listener->fd, F_SETFL, flags | O_NONBLOCK) == -1)
		err(1, "%s", name);
}

static void
name_make(struct listener *listener)
{
	struct sockaddr_storage	address;
	socklen_t		size = sizeof(address);
	struct address_text	text;

	if (getsockname(listener->fd, (struct sockaddr *)&address,
	    &size) == -1)
		errx(1, "listening socket without an address");
	address_write(&text, (struct sockaddr *)&address);
	(void)snprintf(listener->name, sizeof(listener->name),
	    strchr(text.host, ':') != NULL ? "[%s]:%u" : "%s:%u", text.host,
	    text.port);
}

static void
add(struct opening *opening, enum protocol protocol, int fd, const char *name,
    bool given)
{
	struct listener *listener;

	if (opening->n == opening->max)
		errx(1, "%s: too many listening sockets", name);
	listener = &opening->listeners[opening->n++];
	listener->fd = descriptor_high(fd);
	listener->protocol = protocol;
	listener->given = given;
	options_set(listener, name);
	name_make(listener);
}

/* A listening TCP socket?  Gives NULL, or what it is instead. */
static const char *
not_listening(int fd)
{
	struct sockaddr_storage	address;
	socklen_t		size = sizeof(address);
	int			type, listening;
	socklen_t		type_size = sizeof(type);
	socklen_t		listening_size = sizeof(listening);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) == -1)
		return errno == EBADF ? "not open" : "not a socket";
	if (getsockname(fd, (struct sockaddr *)&address, &size) == -1 ||
	    type != SOCK_STREAM || (address.ss_family != AF_INET &&
	    address.ss_family != AF_INET6))
		return "not a TCP socket";
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening,
	    &listening_size) == -1 || listening == 0)
		return "not a listening socket";
	return NULL;
}

static void
take_over(struct opening *opening, enum protocol protocol, int inherited,
    const char *name)
{
	const char *wrong = not_listening(inherited);

	if (wrong != NULL)
		errx(1, "%s: descriptor %d is %s", name, inherited, wrong);
	add(opening, protocol, inherited, name, true);
}

/* getaddrinfo(3) of some systems takes "+1" and 65537 for ports. */
static bool
port_ok(const char *port)
{
	return strspn(port, "0123456789") == strlen(port) && *port != '\0' &&
	    strlen(port) <= 5 && atoi(port) <= 65535;
}

/* "443", "*:443", "192.0.2.1:443", "[::1]:443" */
static struct addrinfo *
address_parse(const struct listen_option *option)
{
	struct addrinfo	 hints, *list;
	char		 text[ADDRESS_MAX], *host = text, *port;
	size_t		 n = strlen(option->text);
	int		 error;

	if (n >= sizeof(text))
		errx(1, "%s %s: too long", flag(option->protocol),
		    option->text);
	memcpy(text, option->text, n + 1);
	port = strrchr(text, ':');
	if (port == NULL) {
		port = text;
		host = NULL;
	} else {
		*port++ = '\0';
		n = strlen(host);
		if (n >= 2 && host[0] == '[' && host[n - 1] == ']') {
			host[n - 1] = '\0';
			host++;
		} else if (strchr(host, ':') != NULL) {
			errx(1, "%s %s: write an IPv6 address in brackets",
			    flag(option->protocol), option->text);
		}
	}
	/* glibc's getaddrinfo(3) does this by itself, musl's does not. */
	if (host != NULL && strcmp(host, "*") == 0)
		host = NULL;
	memset(&hints, 0, sizeof(hints));
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
	error = !port_ok(port) ? EAI_SERVICE :
	    getaddrinfo(host, port, &hints, &list);
	if (error != 0)
		errx(1, "%s %s: must be [ADDRESS:]PORT with numbers, or fd:N",
		    flag(option->protocol), option->text);
	return list;
}

/* Gives -1 when the system does not have this family. */
static int
bind_one(const struct listen_option *option, const struct addrinfo *where,
    bool dry)
{
	const int	one = 1;
	int		fd;

	fd = socket(where->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1 && errno == EAFNOSUPPORT)
		return -1;
	if (fd == -1)
		err(1, "%s %s", flag(option->protocol), option->text);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == -1)
		err(1, "%s %s", flag(option->protocol), option->text);
	if (where->ai_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6,
	    IPV6_V6ONLY, &one, sizeof(one)) == -1)
		err(1, "%s %s", flag(option->protocol), option->text);
	if (bind(fd, where->ai_addr, where->ai_addrlen) == 0 &&
	    (dry || listen(fd, SOMAXCONN) == 0))
		return fd;
	/* Most likely by the one that runs already. */
	if (errno == EADDRINUSE && dry) {
		warnx("%s %s: in use now", flag(option->protocol),
		    option->text);
		return fd;
	}
	if (errno == EADDRNOTAVAIL && where->ai_family == AF_INET6) {
		(void)close(fd);	/* IPv6 is switched off */
		return -1;
	}
	if (errno == EADDRINUSE)
		errx(1, "%s %s: the port is in use: stop the other server, or"
		    " inherit its socket with fd:N", flag(option->protocol),
		    option->text);
	if (errno == EACCES || errno == EPERM)
		errx(1, "%s %s: not permitted: a port below 1024 needs root, "
		    "CAP_NET_BIND_SERVICE, or a socket from the service "
		    "manager", flag(option->protocol), option->text);
	err(1, "%s %s", flag(option->protocol), option->text);
}

static void
open_option(struct opening *opening, const struct listen_option *option,
    bool dry)
{
	const size_t	 before = opening->n;
	struct addrinfo	*list, *where;
	char		*end;
	long		 inherited;
	int		 fd;

	if (strncmp(option->text, "fd:", 3) == 0) {
		inherited = strtol(option->text + 3, &end, 10);
		if (end == option->text + 3 || *end != '\0' ||
		    inherited < 0 || inherited > 65535)
			errx(1, "%s %s: must be fd:N", flag(option->protocol),
			    option->text);
		take_over(opening, option->protocol, (int)inherited,
		    option->text);
		return;
	}
	list = address_parse(option);
	for (where = list; where != NULL; where = where->ai_next) {
		fd = bind_one(option, where, dry);
		if (fd != -1)
			add(opening, option->protocol, fd, option->text, false);
	}
	freeaddrinfo(list);
	if (opening->n == before)
		errx(1, "%s %s: no such address here",
		    flag(option->protocol), option->text);
}

/* Gives false when LISTEN_FDS is not meant for us. */
static bool
open_activated(struct opening *opening)
{
	const char	*count = getenv("LISTEN_FDS");
	const char	*pid = getenv("LISTEN_PID");
	const char	*names = getenv("LISTEN_FDNAMES");
	int		 fd, n;

	if (count == NULL || pid == NULL || atoi(pid) != (int)getpid())
		return false;
	n = atoi(count);
	if (n < 1 || n > LISTENERS_MAX)
		errx(1, "LISTEN_FDS=%s: must be 1 to %d", count,
		    LISTENERS_MAX);
	for (fd = LISTEN_FDS_START; fd < LISTEN_FDS_START + n; fd++) {
		enum protocol protocol = PROTOCOL_TLS;

		if (names != NULL && strncmp(names, "http", 4) == 0)
			protocol = PROTOCOL_HTTP;
		else if (names == NULL || strncmp(names, "tls", 3) != 0)
			errx(1, "LISTEN_FDNAMES: the name of descriptor %d "
			    "must begin with tls or http "
			    "(FileDescriptorName= in the socket unit)", fd);
		names = strchr(names, ':');
		if (names != NULL)
			names++;
		take_over(opening, protocol, fd, "LISTEN_FDS");
	}
	return true;
}

size_t
listen_open(const struct options *options, struct listener *listeners,
    size_t max)
{
	struct opening	opening = { listeners, 0, max };
	size_t		i;

	for (i = 0; i < options->nlisten; i++)
		open_option(&opening, &options->listen[i], options->dry);
	if (opening.n > 0 || open_activated(&opening))
		return opening.n;
	if (not_listening(STDIN_FILENO) != NULL)
		errx(1, "nothing to listen on: give -t [ADDR:]PORT for TLS or "
		    "-p [ADDR:]PORT for HTTP, or a listening socket as "
		    "descriptor 0");
	take_over(&opening, PROTOCOL_TLS, STDIN_FILENO, "descriptor 0");
	return opening.n;
}

void
listen_inherit(struct listener *listeners, size_t *n, enum protocol protocol,
    int fd, unsigned int changed, bool given)
{
	const char	*wrong = not_listening(fd);
	struct listener	*listener;

	if (wrong != NULL)
		errx(1, "upgrade: descriptor %d is %s", fd, wrong);
	if (*n == LISTENERS_MAX * 2)
		errx(1, "upgrade: too many listening sockets");
	listener = &listeners[(*n)++];
	listener->fd = descriptor_high(fd);
	listener->protocol = protocol;
	listener->changed = changed;
	listener->given = given;
	name_make(listener);
}
