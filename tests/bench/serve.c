/* SPDX-License-Identifier: ISC */
/*
 * A tenant that costs little: it reads a fixed number of bytes of each
 * connection, answers a fixed number and closes, or with --hold waits for the
 * client to.
 *
 *	serve [--unix PATH] [--handoff PATH] [--port N] --request N --answer N
 *	     [--hold] [--head FILE] [--trust USER]
 *	serve ... --request N --keep FILE
 *
 * With --head what is in FILE goes before the answer.  With --keep the first N
 * bytes are taken, and then each request without a body is answered with what
 * is in FILE, for as long as the client likes.
 *
 * The same process may listen on all three: relayed bytes, connections handed
 * off (usher_accept()) by that user's usherd or our own, and plain TCP on
 * loopback.  Prints "ready"; ends when its standard input ends.
 */
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../src/accept/usher_accept.h"

enum {
	EVENTS = 256,
	BLOCK = 1024 * 1024,
	TURN = 4,		/* blocks sent before others have theirs */
	TEXT_MAX = 64 * 1024,
	BACKLOG = 4096
};

enum kind {
	STOP,			/* standard input */
	LISTENER,
	RECEIVER,		/* a listener for hand-offs */
	CLIENT
};

struct connection {
	enum kind	kind;
	int		fd;
	size_t		out;	/* bytes sent */
	size_t		in;	/* bytes received */
	size_t		end;	/* of "\r\n\r\n", what has come */
};

static char	block[BLOCK], text[TEXT_MAX];
static size_t	text_size;	/* of what --head or --keep names */
static bool	keep;
static size_t	request = 1, answer = 1;
static bool	hold;
static int	poller;

static uid_t			usherd;
static struct usher_trust	trust = { &usherd, 0 };

static void
watch(int fd, uint32_t events, enum kind kind)
{
	struct connection	*c = calloc(1, sizeof(*c));
	struct epoll_event	 event = { .events = events, .data.ptr = c };

	if (c == NULL)
		errx(2, "out of memory");
	c->kind = kind;
	c->fd = fd;
	if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) == -1)
		err(2, "epoll_ctl");
}

static void
listen_unix(const char *path, enum kind kind)
{
	struct sockaddr_un	at = { .sun_family = AF_UNIX };
	int			fd;

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	(void)unlink(path);	/* that of the last run */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 || bind(fd, (struct sockaddr *)&at, sizeof(at)) == -1 ||
	    chmod(path, 0666) == -1 || listen(fd, BACKLOG) == -1)
		err(2, "%s", path);
	watch(fd, EPOLLIN, kind);
}

static void
listen_tcp(const char *port)
{
	struct sockaddr_in	at = { .sin_family = AF_INET };
	const int		one = 1;
	int			fd;

	at.sin_port = htons((uint16_t)atoi(port));
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one,
	    sizeof(one)) == -1 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) == -1 ||
	    listen(fd, BACKLOG) == -1)
		err(2, "port %s", port);
	watch(fd, EPOLLIN, LISTENER);
}

static void
accept_all(const struct connection *listener)
{
	const int			flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
	int				fd;

	for (;;) {
		if (listener->kind == RECEIVER)
			fd = usher_accept(listener->fd, &trust, NULL, NULL,
			    flags);
		else
			fd = accept4(listener->fd, NULL, NULL, flags);
		if (fd == -1)
			break;
		watch(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, CLIENT);
	}
	if (errno != EAGAIN)
		err(2, "accept");
}

static bool
send_text(const struct connection *c)
{
	/* Smaller than what any socket takes at once. */
	return send(c->fd, text, text_size, MSG_NOSIGNAL) ==
	    (ssize_t)text_size;
}

/* Answers each request that ends in the n bytes. */
static bool
answer_each(struct connection *c, const char *bytes, size_t n)
{
	static const char	end[] = "\r\n\r\n";
	size_t			i;

	for (i = 0; i < n; i++) {
		if (bytes[i] == end[c->end])
			c->end++;
		else
			c->end = bytes[i] == end[0];
		if (c->end < sizeof(end) - 1)
			continue;
		c->end = 0;
		if (!send_text(c))
			return false;
	}
	return true;
}

/* Takes what came; false when the connection is over. */
static bool
take(struct connection *c, size_t n)
{
	const size_t	left = c->in < request ? request - c->in : 0;
	const size_t	first = n < left ? n : left;

	c->in += n;
	return !keep || answer_each(c, block + first, n - first);
}

/* The same connection once more, behind the others that are ready. */
static bool
again(struct connection *c)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.ptr = c
	};

	return epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event) == 0;
}

/* Gives false when all has been sent, or it cannot be. */
static bool
send_answer(struct connection *c)
{
	ssize_t	n;
	size_t	left;
	int	turn;

	if (c->out == 0 && text_size > 0 && !send_text(c))
		return false;
	for (turn = 0; c->out < answer; turn++) {
		if (turn == TURN)
			return again(c);
		left = answer - c->out;
		n = send(c->fd, block, left < sizeof(block) ? left :
		    sizeof(block), MSG_NOSIGNAL);
		if (n == -1)
			return errno == EAGAIN;
		c->out += (size_t)n;
	}
	return hold;
}

/* Gives false when the connection is over. */
static bool
client_ready(struct connection *c)
{
	ssize_t n;

	for (;;) {
		n = recv(c->fd, block, sizeof(block), 0);
		if (n == -1 && errno == EAGAIN)
			break;
		if (n <= 0 || !take(c, (size_t)n))
			return false;
	}
	return keep || c->in < request || send_answer(c);
}

static void
serve(void)
{
	struct epoll_event	events[EVENTS];
	struct connection	*c;
	int			i, n;

	for (;;) {
		n = epoll_wait(poller, events, EVENTS, -1);
		for (i = 0; i < n; i++) {
			c = events[i].data.ptr;
			/* Quickly: only epoll(7) has all the pointers. */
			if (c->kind == STOP)
				_exit(0);
			if (c->kind != CLIENT) {
				accept_all(c);
			} else if (!client_ready(c)) {
				(void)close(c->fd);
				free(c);
			}
		}
	}
}

static void
read_text(const char *path)
{
	ssize_t	n;
	int	fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1 || (n = read(fd, text, sizeof(text))) == -1)
		err(2, "%s", path);
	text_size = (size_t)n;
	(void)close(fd);
}

static void
trust_user(const char *name)
{
	const struct passwd *user;

	user = getpwnam(name);
	if (user == NULL)
		errx(2, "%s: no such user", name);
	usherd = user->pw_uid;
	trust.nuids = 1;
}

static void
option_take(int option)
{
	switch (option) {
	case 'a':
		answer = strtoul(optarg, NULL, 10);
		break;
	case 'r':
		request = strtoul(optarg, NULL, 10);
		break;
	case 'h':
		hold = true;
		break;
	case 'p':
		listen_tcp(optarg);
		break;
	case 't':
		trust_user(optarg);
		break;
	case 'u':
		listen_unix(optarg, LISTENER);
		break;
	case 'H':
		listen_unix(optarg, RECEIVER);
		break;
	case 'k':
		keep = true;
		/* FALLTHROUGH */
	case 'b':
		read_text(optarg);
		break;
	default:
		exit(2);	/* getopt(3) has said what is wrong */
	}
}

int
main(int argc, char *argv[])
{
	static const struct option	longs[] = {
		{ "answer", required_argument, NULL, 'a' },
		{ "handoff", required_argument, NULL, 'H' },
		{ "head", required_argument, NULL, 'b' },
		{ "hold", no_argument, NULL, 'h' },
		{ "keep", required_argument, NULL, 'k' },
		{ "port", required_argument, NULL, 'p' },
		{ "request", required_argument, NULL, 'r' },
		{ "trust", required_argument, NULL, 't' },
		{ "unix", required_argument, NULL, 'u' },
		{ NULL, 0, NULL, 0 }
	};
	struct rlimit			rl;
	int				option;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
	poller = epoll_create1(EPOLL_CLOEXEC);
	if (poller == -1)
		err(2, "epoll");
	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1)
		option_take(option);
	watch(STDIN_FILENO, EPOLLIN, STOP);
	(void)printf("ready\n");
	(void)fflush(stdout);
	serve();
	return 0;
}
