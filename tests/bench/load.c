/* SPDX-License-Identifier: ISC */
/*
 * Clients that send a fixed first flight and count what comes back.  serve.c
 * is the other end.
 *
 *	load --port N [--address A] [--sources N] --file FLIGHT --expect N
 *	     [--count N] [--concurrency N] [--seconds N]
 *	load --unix PATH --file FLIGHT --expect N ...	(straight to a tenant)
 *
 * Prints one line, "ok N failed N seconds S bytes N", and exits 0 when
 * every connection brought just the expected bytes and then its end.  Of the
 * failures the first few are told on stderr.
 */
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	EVENTS = 256,
	FLIGHT_MAX = 128 * 1024,
	TURN = 16,		/* reads before others have theirs */
	COMPLAINTS_MAX = 5
};

struct connection {
	int	fd;		/* -1: free */
	size_t	out;		/* bytes sent */
	size_t	in;		/* bytes received */
};

static struct {
	const char	*address, *path;
	long		 port, sources, count, concurrency, expect, seconds;
} options = {
	.address = "127.0.0.1", .sources = 1, .count = 1000,
	.concurrency = 100, .expect = -1, .seconds = 120
};

static char			 flight[FLIGHT_MAX], waste[256 * 1024];
static size_t			 flight_size;
static struct connection	*connections;
static int			 poller;
static long			 begun, ended, good, failed;
static unsigned long long	 received;

static double
now(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		err(2, "clock");
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
complain(const struct connection *c, const char *what, int error)
{
	if (failed++ < COMPLAINTS_MAX)
		warnx("connection %ld: %s: %s after %zu bytes out, %zu in",
		    ended, what, error == 0 ? "end" : strerror(error), c->out,
		    c->in);
}

/* EPOLL_CTL_MOD: once more, behind the others that are ready. */
static void
watch(int how, struct connection *c)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c
	};

	if (epoll_ctl(poller, how, c->fd, &event) == -1)
		err(2, "epoll_ctl");
}

static int
connect_unix(void)
{
	struct sockaddr_un	to = { .sun_family = AF_UNIX };
	int			fd;

	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", options.path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 || connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		err(2, "%s", options.path);
	return fd;
}

static int
connect_tcp(void)
{
	struct sockaddr_in	from = { .sin_family = AF_INET };
	struct sockaddr_in	to = { .sin_family = AF_INET };
	const int		one = 1;
	int			fd;

	to.sin_port = htons((uint16_t)options.port);
	if (inet_pton(AF_INET, options.address, &to.sin_addr) != 1)
		errx(2, "%s: no address", options.address);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		err(2, "socket");
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (options.sources > 1) {	/* more than one has ports for */
		from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 +
		    (uint32_t)(begun % options.sources));
		(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one,
		    sizeof(one));
		if (bind(fd, (struct sockaddr *)&from, sizeof(from)) == -1)
			err(2, "bind");
	}
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1 &&
	    errno != EINPROGRESS)
		err(2, "connect");
	return fd;
}

static void
begin(struct connection *c)
{
	memset(c, 0, sizeof(*c));
	c->fd = options.path != NULL ? connect_unix() : connect_tcp();
	watch(EPOLL_CTL_ADD, c);
	begun++;
}

static void
finish(struct connection *c)
{
	(void)close(c->fd);	/* alone: this takes it out of the poller */
	c->fd = -1;
	ended++;
	if (begun < options.count)
		begin(c);
}

/* Gives -1 when the connection is over. */
static int
send_flight(struct connection *c)
{
	ssize_t n;

	while (c->out < flight_size) {
		n = send(c->fd, flight + c->out, flight_size - c->out,
		    MSG_NOSIGNAL);
		if (n == -1 && errno == EAGAIN)
			return 0;
		if (n == -1) {
			complain(c, "send", errno);
			return -1;
		}
		c->out += (size_t)n;
	}
	return 0;
}

static int
receive_answer(struct connection *c)
{
	ssize_t	n;
	int	turn;

	for (turn = 0;; turn++) {
		if (turn == TURN) {
			watch(EPOLL_CTL_MOD, c);
			return 0;
		}
		n = recv(c->fd, waste, sizeof(waste), 0);
		if (n == -1 && errno == EAGAIN)
			return 0;
		if (n <= 0)
			break;
		c->in += (size_t)n;
		received += (size_t)n;
	}
	if (n == 0 && (options.expect == -1 ||
	    c->in == (size_t)options.expect))
		good++;
	else
		complain(c, "receive", n == 0 ? 0 : errno);
	return -1;
}

static void
client_ready(struct connection *c, uint32_t events)
{
	if (((events & EPOLLOUT) != 0 && send_flight(c) == -1) ||
	    ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 &&
	    receive_answer(c) == -1))
		finish(c);
}

static int
clients(void)
{
	struct epoll_event	events[EVENTS];
	double			start = now(), end;
	int			i, n;

	connections = calloc((size_t)options.concurrency,
	    sizeof(*connections));
	if (connections == NULL)
		errx(2, "out of memory");
	end = start + (double)options.seconds;
	for (i = 0; i < options.concurrency && begun < options.count; i++)
		begin(&connections[i]);
	while (ended < options.count && now() < end) {
		n = epoll_wait(poller, events, EVENTS, 1000);
		for (i = 0; i < n; i++)
			client_ready(events[i].data.ptr, events[i].events);
	}
	(void)printf("ok %ld failed %ld seconds %.3f bytes %llu\n", good,
	    options.count - good, now() - start, received);
	return good == options.count ? 0 : 1;
}

static void
read_flight(const char *path)
{
	ssize_t	n;
	int	fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1 || (n = read(fd, flight, sizeof(flight))) == -1)
		err(2, "%s", path);
	flight_size = (size_t)n;
	(void)close(fd);
}

static long
number(const char *name, const char *text)
{
	long	 value;
	char	*end;

	value = strtol(text, &end, 10);
	if (end == text || *end != '\0' || value < 0)
		errx(2, "--%s %s: not a number", name, text);
	return value;
}

static const struct option longs[] = {
	{ "address", required_argument, NULL, 'A' },
	{ "file", required_argument, NULL, 'f' },
	{ "unix", required_argument, NULL, 'u' },
	{ "concurrency", required_argument, NULL, 'c' },
	{ "count", required_argument, NULL, 'n' },
	{ "expect", required_argument, NULL, 'e' },
	{ "port", required_argument, NULL, 'p' },
	{ "seconds", required_argument, NULL, 's' },
	{ "sources", required_argument, NULL, 'o' },
	{ NULL, 0, NULL, 0 }
};

static long *
number_of(int option)
{
	switch (option) {
	case 'c':
		return &options.concurrency;
	case 'n':
		return &options.count;
	case 'e':
		return &options.expect;
	case 'p':
		return &options.port;
	case 's':
		return &options.seconds;
	case 'o':
		return &options.sources;
	default:
		exit(2);	/* getopt(3) has said what is wrong */
	}
}

static void
option_take(int option, int at)
{
	switch (option) {
	case 'A':
		options.address = optarg;
		break;
	case 'f':
		read_flight(optarg);
		break;
	case 'u':
		options.path = optarg;
		break;
	default:
		*number_of(option) = number(longs[at].name, optarg);
	}
}

int
main(int argc, char *argv[])
{
	struct rlimit	rl;
	int		at = 0, option;

	while ((option = getopt_long(argc, argv, "", longs, &at)) != -1)
		option_take(option, at);
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
	poller = epoll_create1(EPOLL_CLOEXEC);
	if (poller == -1)
		err(2, "epoll");
	if (flight_size == 0 || (options.port == 0 && options.path == NULL))
		errx(2, "usage: load --port N --file FLIGHT ...");
	return clients();
}
