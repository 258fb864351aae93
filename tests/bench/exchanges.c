/* SPDX-License-Identifier: ISC */
/*
 * Clients that keep their connections and ask again as soon as they are
 * answered; serve.c with --keep is the other end.
 *
 *	exchanges --port N --host NAME [--host NAME ...] [--connections N]
 *	     [--seconds N] [--pause MILLISECONDS] [--file FLIGHT]
 *
 * A connection asks its hosts in turn.  FLIGHT goes before the first request.
 * With --pause, for one connection alone, it waits before it asks again.  A
 * response ends with its Content-Length, or with the last chunk: what it
 * carries must not look like one.  Prints one line, "exchanges N seconds S
 * median US p99 US most US", microseconds from a request to the end of its
 * response; any answer but a 200 that is whole ends it with a complaint and
 * status 1.
 */
#include <sys/epoll.h>
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	EVENTS = 256,
	HOSTS_MAX = 16,
	FLIGHT_MAX = 16 * 1024,
	ANSWER_MAX = 64 * 1024,
	REQUEST_MAX = 512,
	SAMPLES_MAX = 4 * 1000 * 1000,
	MICRO = 1000 * 1000,
	DECIMAL = 10,
	CONNECT_SECONDS = 10
};

struct connection {
	int		fd;
	unsigned int	turn;		/* whom it asks next */
	double		asked;
	size_t		used;
	char		answer[ANSWER_MAX];
};

static struct {
	const char	*hosts[HOSTS_MAX];
	unsigned int	 nhosts;
	long		 port, connections, seconds, pause;
} options = { .connections = 1, .seconds = 2 };

static char			 flight[FLIGHT_MAX];
static size_t			 flight_size;
static struct connection	*connections;
static uint32_t			*samples;
static size_t			 nsamples;
static int			 poller;

static double
now(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		err(2, "clock");
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
send_all(int fd, const char *bytes, size_t n)
{
	if (send(fd, bytes, n, MSG_NOSIGNAL) != (ssize_t)n)
		err(1, "send");
}

static void
ask(struct connection *c)
{
	char	request[REQUEST_MAX];
	int	n;

	n = snprintf(request, sizeof(request),
	    "GET / HTTP/1.1\r\nHost: %s\r\n\r\n",
	    options.hosts[c->turn++ % options.nhosts]);
	if (n < 0 || (size_t)n >= sizeof(request))
		errx(2, "the name of a host is too long");
	c->used = 0;
	c->asked = now();
	send_all(c->fd, request, (size_t)n);
}

static void
begin(struct connection *c)
{
	struct epoll_event	event = { .events = EPOLLIN, .data.ptr = c };
	struct sockaddr_in	to = { .sin_family = AF_INET };
	const int		one = 1;

	to.sin_port = htons((uint16_t)options.port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd == -1 || setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one,
	    sizeof(one)) == -1 ||
	    connect(c->fd, (struct sockaddr *)&to, sizeof(to)) == -1 ||
	    fcntl(c->fd, F_SETFL, O_NONBLOCK) == -1 ||
	    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event) == -1)
		err(1, "port %ld", options.port);
	if (flight_size > 0)
		send_all(c->fd, flight, flight_size);
	ask(c);
}

static bool
ends_with(const struct connection *c, const char *end)
{
	const size_t n = strlen(end);

	return c->used >= n && memcmp(c->answer + c->used - n, end, n) == 0;
}

/* Whether the response is whole. */
static bool
whole(const struct connection *c)
{
	static const char	 length[] = "content-length:";
	const char		*end, *field;
	size_t			 head;

	end = memmem(c->answer, c->used, "\r\n\r\n", 4);
	if (end == NULL)
		return false;
	head = (size_t)(end - c->answer) + 4;
	if (memcmp(c->answer, "HTTP/1.1 200", 12) != 0)
		errx(1, "answered: %.*s", (int)head, c->answer);
	/* The answer is a string: one place is kept for its end. */
	field = strcasestr(c->answer, length);
	if (field == NULL || field > end)
		return ends_with(c, "\r\n0\r\n\r\n");
	return c->used - head ==
	    strtoul(field + sizeof(length) - 1, NULL, DECIMAL);
}

static void
note(double seconds)
{
	if (nsamples < SAMPLES_MAX)
		samples[nsamples++] = (uint32_t)(seconds * MICRO);
}

static void
ready(struct connection *c)
{
	ssize_t n;

	n = recv(c->fd, c->answer + c->used, sizeof(c->answer) - 1 - c->used,
	    0);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n == -1)
		err(1, "receive");
	if (n == 0)
		errx(1, "ended, or too much, after %zu bytes", c->used);
	c->used += (size_t)n;
	c->answer[c->used] = '\0';
	if (!whole(c))
		return;
	note(now() - c->asked);
	if (options.pause > 0)
		(void)usleep((useconds_t)options.pause * 1000);
	ask(c);
}

static int
compare(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
report(double seconds)
{
	if (nsamples == 0)
		errx(1, "nothing was answered");
	qsort(samples, nsamples, sizeof(*samples), compare);
	(void)printf("exchanges %zu seconds %.3f median %u p99 %u most %u\n",
	    nsamples, seconds, samples[nsamples / 2],
	    samples[nsamples * 99 / 100], samples[nsamples - 1]);
}

static void
run(void)
{
	struct epoll_event	events[EVENTS];
	double			start = now(), end;
	long			k;
	int			i, n;

	connections = calloc((size_t)options.connections,
	    sizeof(*connections));
	samples = calloc(SAMPLES_MAX, sizeof(*samples));
	if (connections == NULL || samples == NULL)
		errx(2, "out of memory");
	for (k = 0; k < options.connections; k++)
		begin(&connections[k]);
	end = start + (double)options.seconds;
	while (now() < end) {
		n = epoll_wait(poller, events, EVENTS, 100);
		for (i = 0; i < n; i++)
			ready(events[i].data.ptr);
	}
	/* One that is waited for all the time would not count otherwise. */
	if (options.pause > 0)
		note(now() - connections->asked);
	report(now() - start);
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
number(const char *text)
{
	long	 value;
	char	*end;

	value = strtol(text, &end, DECIMAL);
	if (end == text || *end != '\0' || value < 0)
		errx(2, "%s: not a number", text);
	return value;
}

static void
option_take(int option)
{
	switch (option) {
	case 'c':
		options.connections = number(optarg);
		break;
	case 'f':
		read_flight(optarg);
		break;
	case 'h':
		if (options.nhosts == HOSTS_MAX)
			errx(2, "too many hosts");
		options.hosts[options.nhosts++] = optarg;
		break;
	case 'p':
		options.port = number(optarg);
		break;
	case 's':
		options.seconds = number(optarg);
		break;
	case 'w':
		options.pause = number(optarg);
		break;
	default:
		exit(2);	/* getopt(3) has said what is wrong */
	}
}

int
main(int argc, char *argv[])
{
	static const struct option	longs[] = {
		{ "connections", required_argument, NULL, 'c' },
		{ "file", required_argument, NULL, 'f' },
		{ "host", required_argument, NULL, 'h' },
		{ "pause", required_argument, NULL, 'w' },
		{ "port", required_argument, NULL, 'p' },
		{ "seconds", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 }
	};
	int				option;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1)
		option_take(option);
	if (options.port == 0 || options.nhosts == 0 ||
	    (options.pause > 0 && options.connections != 1))
		errx(2, "usage: exchanges --port N --host NAME ...");
	poller = epoll_create1(EPOLL_CLOEXEC);
	if (poller == -1)
		err(2, "epoll");
	run();
	return 0;
}
