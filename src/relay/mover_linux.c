/* SPDX-License-Identifier: ISC */
#include <sys/socket.h>

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "../common/message.h"
#include "mover.h"

enum {
	POOL_MAX = 64,			/* empty pipes kept for the next */
	POOL_LEAST = 4 * MOVER_PIPE_SIZE, /* however small the share is */
	PIPE_LEAST = 4096
};

const int mover_notsent = 64 * 1024;

struct spare {
	int	pipe[2];
	size_t	size;
};

static struct spare	pool[POOL_MAX];
static size_t		npool;
static size_t		share, lent, pooled;	/* bytes */

void
mover_make(size_t bytes)
{
	share = bytes;
}

void
mover_empty(struct load *load)
{
	load->pipe[0] = load->pipe[1] = -1;
	load->held = load->size = 0;
}

bool
mover_tight(void)
{
	return lent >= share / 4;
}

/*
 * socket(7), SO_MEMINFO: what the kernel itself compares, the size of the send
 * buffer and the memory in it.  A UNIX socket counts that as allocated only.
 */
size_t
mover_room(int to)
{
	uint32_t	memory[SK_MEMINFO_VARS], used;
	socklen_t	size = sizeof(memory);

	if (getsockopt(to, SOL_SOCKET, SO_MEMINFO, memory, &size) == -1 ||
	    size != sizeof(memory))
		return 0;
	used = memory[SK_MEMINFO_WMEM_QUEUED];
	if (used < memory[SK_MEMINFO_WMEM_ALLOC])
		used = memory[SK_MEMINFO_WMEM_ALLOC];
	return used < memory[SK_MEMINFO_SNDBUF] ?
	    memory[SK_MEMINFO_SNDBUF] - used : 0;
}

/* Where that fails, it has what it would have had. */
void
mover_bound(int to)
{
	(void)setsockopt(to, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &mover_notsent,
	    sizeof(mover_notsent));
}

/* Most of it is lent. */
static bool
scarce(void)
{
	return lent >= share / 4 * 3;
}

static int
borrow(struct load *load)
{
	int size;

	if (npool > 0) {
		npool--;
		load->pipe[0] = pool[npool].pipe[0];
		load->pipe[1] = pool[npool].pipe[1];
		load->size = pool[npool].size;
		pooled -= load->size;
	} else {
		if (pipe2(load->pipe, O_CLOEXEC | O_NONBLOCK) == -1)
			return -1;
		/* Less than usual where the user has no pages left. */
		size = fcntl(load->pipe[0], F_GETPIPE_SZ);
		load->size = size == -1 ? MOVER_PIPE_SIZE : (size_t)size;
	}
	lent += load->size;
	return 0;
}

static void
close_pipe(const int pipe[2])
{
	(void)close(pipe[0]);	/* a pipe of ours: nothing can be lost */
	(void)close(pipe[1]);
}

/* Large ones too: a bulk transfer gives its pipe back after every step. */
static bool
pool_has_room(size_t size)
{
	const size_t room = share / 8 < POOL_LEAST ? POOL_LEAST : share / 8;

	return npool < POOL_MAX && size >= MOVER_PIPE_SIZE &&
	    pooled + size <= room;
}

static void
give_back(struct load *load)
{
	lent -= load->size;
	if (load->held > 0 || !pool_has_room(load->size)) {
		close_pipe(load->pipe);
	} else {
		pool[npool].pipe[0] = load->pipe[0];
		pool[npool].pipe[1] = load->pipe[1];
		pool[npool++].size = load->size;
		pooled += load->size;
	}
	mover_empty(load);
}

void
mover_drop(struct load *load)
{
	if (load->pipe[0] != -1)
		give_back(load);
}

void
mover_trim(void)
{
	while (npool > 0)
		close_pipe(pool[--npool].pipe);
	pooled = 0;
}

static int
resize(struct load *load, size_t bytes)
{
	int size;

	size = fcntl(load->pipe[0], F_SETPIPE_SZ, (int)bytes);
	if (size == -1)
		return -1;
	lent = lent - load->size + (size_t)size;
	load->size = (size_t)size;
	return 0;
}

/*
 * Its receiver is full.  Each piece that came takes a page, so it may need
 * more of them than its bytes would fill: then that size is busy.
 */
static void
cut_down(struct load *load)
{
	size_t size = mover_tight() ? PIPE_LEAST : MOVER_PIPE_SIZE;

	while (size < load->held)
		size *= 2;
	while (size < load->size && resize(load, size) == -1)
		size *= 2;
}

static ssize_t
move(int from, int to, size_t n)
{
	ssize_t moved;

	do {
		moved = splice(from, NULL, to, NULL, n,
		    SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	} while (moved == -1 && errno == EINTR);
	return moved;
}

enum moved
mover_fill(struct load *load, int from, uint64_t *limit, size_t room)
{
	size_t		want = room;
	ssize_t		n;
	enum moved	moved;

	if (scarce() && want > PIPE_LEAST)
		want = PIPE_LEAST;
	if (*limit < want)
		want = (size_t)*limit;
	if (load->pipe[0] == -1 && borrow(load) == -1)
		return MOVED_STARVED;
	n = move(from, load->pipe[1], want);
	if (n > 0) {
		load->held = (size_t)n;
		/* A bulk transfer, worth fewer and larger steps. */
		if (n == MOVER_PIPE_SIZE && load->size == MOVER_PIPE_SIZE &&
		    want > MOVER_PIPE_SIZE && !scarce())
			(void)resize(load, MOVER_PIPE_GROWN);
		if (*limit != GRANT_UNLIMITED)
			*limit -= (uint64_t)n;
		return MOVED_SOME;
	}
	if (n == 0)
		moved = MOVED_END;
	else
		moved = errno == EAGAIN ? MOVED_NONE : MOVED_BROKEN;
	give_back(load);
	return moved;
}

enum moved
mover_drain(struct load *load, int to, uint64_t *moved)
{
	ssize_t n;

	n = move(load->pipe[0], to, load->held);
	if (n == -1 && errno == EAGAIN) {
		cut_down(load);
		return MOVED_NONE;
	}
	if (n <= 0)
		return MOVED_BROKEN;
	load->held -= (size_t)n;
	*moved += (uint64_t)n;
	if (load->held == 0)
		give_back(load);
	return MOVED_SOME;
}
