/* SPDX-License-Identifier: ISC */
/*
 * Does recv(2) with MSG_PEEK see what splice(2) then moves?  usherd-http grants
 * what it has peeked at a tenant's socket, and the relay moves as many bytes;
 * a tenant that could make the two differ would end a response elsewhere for
 * one than for the other.  For test_peek_splice.py.
 *
 * usage: peeksplice front|rights|plain SEED EXCHANGES
 *
 * A sender, in a process of its own, mixes MSG_OOB, descriptors and
 * credentials into its stream, all chosen by SEED.  At the other end of the
 * UNIX socket each exchange peeks at some bytes by one descriptor and splices
 * as many from another of the same socket; the sender goes on before, after,
 * in between, and meanwhile.  front: with the options that
 * usherd-front sets before it connects to a tenant; rights: without
 * SO_PASSRIGHTS, which kernels before 6.16 do not have; plain: with none.
 *
 * Prints "exchanges N differences N lost N short N oob N descriptors N":
 * how many moved other bytes than were peeked; at how many the stream was not
 * what had been sent; whether all that was peeked could not be moved, or
 * nothing came any more, for some time, which ends it, too; and what was sent.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83	/* asm-generic/socket.h, Linux 6.16 */
#endif

enum {
	PEEK_MAX = 2048,
	SEND_MAX = 64,
	BURST_MAX = 6,
	ROOM = 128,		/* bytes on their way: no burst has to wait */
	TRIES = 10 * 1000,	/* each lasts until something comes, or 1 ms */
	DECIMAL = 10
};

/* What the sender counts where the other can read it. */
struct sent {
	atomic_ulong	bytes, bursts, oob, descriptors;
};

static struct sent	*sent;
static uint32_t		 state;		/* of random_below() */

/* xorshift32: the same numbers for the same seed everywhere. */
static uint32_t
random_below(uint32_t limit)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % limit;
}

/* Byte number k of the stream. */
static uint8_t
byte_at(uint64_t k)
{
	return (uint8_t)((k * 2654435761U) >> 16);
}

/*
 * With a descriptor (SCM_RIGHTS) or the sender's own credentials.  Gives what
 * sendmsg(2) does.
 */
static ssize_t
send_with(int fd, struct iovec *bytes, int type)
{
	union {
		struct cmsghdr	header;
		char		space[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	const struct ucred	me = { getpid(), getuid(), getgid() };
	struct msghdr		m = { .msg_iov = bytes, .msg_iovlen = 1 };
	const size_t		size = type == SCM_RIGHTS ? sizeof(fd) :
	    sizeof(me);

	memset(&control, 0, sizeof(control));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = type;
	control.header.cmsg_len = CMSG_LEN(size);
	if (type == SCM_RIGHTS)
		memcpy(CMSG_DATA(&control.header), &fd, size);
	else
		memcpy(CMSG_DATA(&control.header), &me, size);
	m.msg_control = &control;
	m.msg_controllen = CMSG_SPACE(size);
	return sendmsg(fd, &m, MSG_NOSIGNAL);
}

/* Sends one piece in a way of chance; gives how many bytes it was. */
static size_t
send_piece(int fd, uint64_t at)
{
	uint8_t		bytes[SEND_MAX];
	struct iovec	piece = { .iov_base = bytes };
	ssize_t		n = -1;
	size_t		i;

	piece.iov_len = 1 + random_below(random_below(2) == 0 ? 3 : SEND_MAX);
	for (i = 0; i < piece.iov_len; i++)
		bytes[i] = byte_at(at + i);
	switch (random_below(6)) {
	case 0:
	case 1:
		n = send(fd, bytes, piece.iov_len, MSG_OOB | MSG_NOSIGNAL);
		sent->oob += n > 0;
		break;
	case 2:
		n = send_with(fd, &piece, SCM_RIGHTS);
		sent->descriptors += n > 0;
		break;
	case 3:
		n = send_with(fd, &piece, SCM_CREDENTIALS);
		break;
	}
	/* Refused: EPERM where descriptors are not taken. */
	if (n == -1)
		n = send(fd, bytes, piece.iov_len, MSG_NOSIGNAL);
	if (n <= 0)
		_exit(0);	/* the other has seen enough */
	return (size_t)n;
}

/* Sends a burst for each byte that asks for one. */
static void
send_bursts(int fd, int asked)
{
	uint32_t	n;
	char		word;

	while (read(asked, &word, 1) == 1) {
		for (n = 1 + random_below(BURST_MAX); n > 0; n--)
			sent->bytes += send_piece(fd, sent->bytes);
		sent->bursts++;
	}
	_exit(0);
}

/*
 * Asks for a burst, if the socket has room for it: it holds 278 small ones.
 * taken: of what has been sent.
 */
static void
ask(int sender, uint64_t taken)
{
	static unsigned long	asked;
	const char		word = 0;

	if (asked > sent->bursts || sent->bytes - taken > ROOM)
		return;
	if (write(sender, &word, 1) != 1)
		err(1, "the sender");
	asked++;
	if (random_below(2) == 0)
		return;
	while (asked > sent->bursts)
		(void)sched_yield();
}

static void
option_set(int fd, int option, int value, bool must)
{
	if (setsockopt(fd, SOL_SOCKET, option, &value, sizeof(value)) == -1 &&
	    must)
		err(1, "option %d", option);
}

/* A connected pair, as usherd-front and a tenant make it. */
static void
connect_pair(const char *how, int *ours, int *theirs)
{
	struct sockaddr_un	at = { .sun_family = AF_UNIX };
	socklen_t		size = sizeof(at.sun_family);
	int			listener;

	/* Bound to no name, it gets one that nobody has (unix(7)). */
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	if (listener == -1 ||
	    bind(listener, (struct sockaddr *)&at, size) == -1 ||
	    listen(listener, 1) == -1)
		err(1, "listen");
	size = sizeof(at);
	if (getsockname(listener, (struct sockaddr *)&at, &size) == -1 ||
	    (*ours = socket(AF_UNIX, SOCK_STREAM, 0)) == -1)
		err(1, "socket");
	if (strcmp(how, "plain") != 0)
		option_set(*ours, SO_OOBINLINE, 1, true);
	if (strcmp(how, "front") == 0)
		option_set(*ours, SO_PASSRIGHTS, 0, false);
	if (connect(*ours, (struct sockaddr *)&at, size) == -1 ||
	    (*theirs = accept(listener, NULL, NULL)) == -1 ||
	    fcntl(*ours, F_SETFL, O_NONBLOCK) == -1)
		err(1, "connect");
	(void)close(listener);
}

/* Whether to try again to have what is said to be there. */
static bool
try_again(int fd, unsigned int *tries)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	return (*tries)++ < TRIES && poll(&wait, 1, 1) != -1;
}

/* Moves n bytes; gives how many it could. */
static size_t
move(int fd, const int pipes[2], uint8_t *bytes, size_t n)
{
	size_t		moved = 0;
	unsigned int	tries = 0;
	ssize_t		got;

	while (moved < n) {
		got = splice(fd, NULL, pipes[1], NULL, n - moved,
		    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		if (got > 0 &&
		    read(pipes[0], bytes + moved, (size_t)got) != got)
			err(1, "pipe");
		if (got > 0)
			moved += (size_t)got;
		else if (got == 0 || !try_again(fd, &tries))
			break;
	}
	return moved;
}

/* How many of the bytes are what was sent, from byte number at. */
static size_t
right(const uint8_t *bytes, size_t n, uint64_t at)
{
	size_t i;

	for (i = 0; i < n && bytes[i] == byte_at(at + i); i++)
		;
	return i;
}

static void
compare(int fd, int sender, unsigned long exchanges)
{
	const int	peeker = dup(fd);
	uint8_t		seen[PEEK_MAX], moved[PEEK_MAX];
	unsigned long	done = 0, differences = 0, lost = 0, stuck = 0;
	uint64_t	at = 0, taken = 0;	/* taken: or lost */
	unsigned int	tries = 0;
	ssize_t		n;
	size_t		got;
	int		pipes[2];

	if (peeker == -1 || pipe(pipes) == -1)
		err(1, "pipe");
	while (done < exchanges && stuck == 0) {
		ask(sender, taken);
		n = recv(peeker, seen, random_below(2) == 0 ? PEEK_MAX :
		    1 + random_below(8), MSG_PEEK | MSG_DONTWAIT);
		if (n == -1 && errno == EAGAIN) {
			taken = sent->bytes;
			stuck += !try_again(fd, &tries);
			continue;
		}
		if (n <= 0)
			err(1, "peek");
		ask(sender, taken);
		got = move(fd, pipes, moved, (size_t)n);
		done++;
		tries = 0;
		stuck += got < (size_t)n;
		differences += memcmp(seen, moved, got) != 0;
		lost += right(moved, got, at) < got;
		at += got;
		taken += got;
	}
	(void)printf("exchanges %lu differences %lu lost %lu short %lu "
	    "oob %lu descriptors %lu\n", done, differences, lost, stuck,
	    sent->oob, sent->descriptors);
}

static unsigned long
number(const char *text)
{
	unsigned long	 value;
	char		*end;

	value = strtoul(text, &end, DECIMAL);
	if (end == text || *end != '\0' || value == 0)
		errx(2, "%s: not a number", text);
	return value;
}

int
main(int argc, char *argv[])
{
	int	ours, theirs, asked[2];
	pid_t	pid;

	if (argc != 4)
		errx(2, "usage: peeksplice front|rights|plain SEED EXCHANGES");
	state = (uint32_t)number(argv[2]);
	sent = mmap(NULL, sizeof(*sent), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sent == MAP_FAILED || pipe(asked) == -1)
		err(1, "pipe");
	connect_pair(argv[1], &ours, &theirs);
	pid = fork();
	if (pid == -1)
		err(1, "fork");
	if (pid == 0) {
		(void)close(ours);
		(void)close(asked[1]);
		send_bursts(theirs, asked[0]);
	}
	(void)close(theirs);
	(void)close(asked[0]);
	compare(ours, asked[1], number(argv[3]));
	if (kill(pid, SIGKILL) == -1 || waitpid(pid, NULL, 0) != pid)
		err(1, "the sender");
	return 0;
}
