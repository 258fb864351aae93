/* SPDX-License-Identifier: ISC */
#include <poll.h>

#include "../common/message.h"
#include "flow.h"

enum {
	ROOM_WORTHWHILE = 64 * 1024, /* else it had better be waited for */
	ROOM_LEAST = 4096
};

/*
 * How much the receiver will take for certain, 0 until it says that it has
 * room.  What is taken in beyond that would rest in a pipe for as long as it
 * likes.  Asking whether it is ready makes it tell when it is.
 */
static size_t
room(struct side *to, size_t most)
{
	struct pollfd	receiver = { to->fd, POLLOUT, 0 };
	size_t		space;

	if (!mover_tight())
		return most;
	if (!to->writable)
		return 0;
	space = mover_room(to->fd);
	if (space < ROOM_WORTHWHILE) {
		/* Or it is gone: that will be seen. */
		if (poll(&receiver, 1, 0) != 1)
			return 0;
		if (space < ROOM_LEAST)
			space = ROOM_LEAST;
	}
	return space < most ? space : most;
}

static enum step
await_room(struct side *to)
{
	to->writable = false;
	return side_want(to, EV_WRITE) == -1 ? STEP_EXHAUSTED : STEP_NONE;
}

static enum step
await_bytes(struct side *from, enum step step)
{
	from->readable = false;
	return side_want(from, EV_READ | EV_CLOSED) == -1 ?
	    STEP_EXHAUSTED : step;
}

static enum step
give_on(struct flow *flow, struct side *to, uint64_t *moved)
{
	if (!to->writable)
		return STEP_NONE;
	switch (mover_drain(&flow->load, to->fd, moved)) {
	case MOVED_SOME:
		return STEP_MOVED;
	case MOVED_NONE:
		return await_room(to);
	case MOVED_END:
	case MOVED_BROKEN:
	case MOVED_STARVED:
		break;
	}
	return STEP_BROKEN_TO;
}

static enum step
take_in(struct flow *flow, struct side *from, size_t most)
{
	switch (mover_fill(&flow->load, from->fd, &flow->left, most)) {
	case MOVED_SOME:
		/* More is to come.  Watching a socket anew tells at once
		 * whether it is there already. */
		if (flow->left > 0 && flow->load.held < most &&
		    (from->watched & EV_READ) == 0)
			return await_bytes(from, STEP_MOVED);
		return STEP_MOVED;
	case MOVED_NONE:
		return await_bytes(from, STEP_NONE);
	case MOVED_END:
		return STEP_ENDED;
	case MOVED_STARVED:
		return STEP_STARVED;
	case MOVED_BROKEN:
		break;
	}
	return STEP_BROKEN_FROM;
}

enum step
flow_step(struct flow *flow, struct side *from, struct side *to, size_t most,
    uint64_t *moved)
{
	size_t space;

	if (flow->load.held > 0)
		return give_on(flow, to, moved);
	if (flow->ended || flow->left == 0 || !from->readable)
		return STEP_NONE;
	space = room(to, most);
	if (space == 0)
		return await_room(to);
	return take_in(flow, from, space);
}

bool
flow_done(const struct flow *flow)
{
	return flow->load.held == 0 && (flow->left == 0 || flow->ended);
}
