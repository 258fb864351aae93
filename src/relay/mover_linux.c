/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "../common/message.h"
#include "mover.h"

enum {
	POOL_MAX = 64,			/* empty pipes kept for the next */
	MOVE_MAX = 1024 * 1024		/* a turn; the pipe bounds it below */
};

static int	pool[POOL_MAX][2];
static size_t	npool;

void
mover_empty(struct load *load)
{
	load->pipe[0] = load->pipe[1] = -1;
	load->held = 0;
}

static int
borrow(struct load *load)
{
	if (npool == 0)
		return pipe2(load->pipe, O_CLOEXEC | O_NONBLOCK);
	npool--;
	load->pipe[0] = pool[npool][0];
	load->pipe[1] = pool[npool][1];
	return 0;
}

static void
close_pipe(const int pipe[2])
{
	(void)close(pipe[0]);	/* a pipe of ours: nothing can be lost */
	(void)close(pipe[1]);
}

static void
give_back(struct load *load)
{
	if (npool == POOL_MAX) {
		close_pipe(load->pipe);
	} else {
		pool[npool][0] = load->pipe[0];
		pool[npool][1] = load->pipe[1];
		npool++;
	}
	mover_empty(load);
}

void
mover_drop(struct load *load)
{
	if (load->pipe[0] == -1)
		return;
	if (load->held == 0) {
		give_back(load);
		return;
	}
	close_pipe(load->pipe);
	mover_empty(load);
}

void
mover_trim(void)
{
	while (npool > 0)
		close_pipe(pool[--npool]);
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
mover_fill(struct load *load, int from, uint64_t *limit)
{
	size_t	want = MOVE_MAX;
	ssize_t	n;

	if (*limit < want)
		want = (size_t)*limit;
	if (load->pipe[0] == -1 && borrow(load) == -1)
		return MOVED_STARVED;
	n = move(from, load->pipe[1], want);
	if (n > 0) {
		load->held = (size_t)n;
		/* A bulk transfer, worth fewer and larger steps; where the
		 * user has no pages left for that (pipe(7)), it stays. */
		if (n == MOVER_PIPE_SIZE)
			(void)fcntl(load->pipe[0], F_SETPIPE_SZ,
			    MOVER_PIPE_GROWN);
		if (*limit != GRANT_UNLIMITED)
			*limit -= (uint64_t)n;
		return MOVED_SOME;
	}
	give_back(load);
	if (n == 0)
		return MOVED_END;
	return errno == EAGAIN ? MOVED_NONE : MOVED_BROKEN;
}

enum moved
mover_drain(struct load *load, int to)
{
	ssize_t n;

	n = move(load->pipe[0], to, load->held);
	if (n == -1)
		return errno == EAGAIN ? MOVED_NONE : MOVED_BROKEN;
	load->held -= (size_t)n;
	if (load->held == 0)
		give_back(load);
	return MOVED_SOME;
}
