/* SPDX-License-Identifier: ISC */
/*
 * A pair's turn: both directions as far as they will go, and what is met on
 * the way.
 */
#include <sys/socket.h>

#include <errno.h>

#include "pair_machine.h"
#include "run.h"

enum {
	DISCARDS_PER_TURN = 32,
	DISCARD_MAX = 1024 * 1024
};

/* What a step of a direction means to the pair. */
static const enum pair_event up_events[STEPS] = {
	[STEP_ENDED] = ON_CLIENT_ENDED,
	[STEP_BROKEN_FROM] = ON_CLIENT_BROKEN,
	[STEP_BROKEN_TO] = ON_TENANT_DEAF,
	[STEP_EXHAUSTED] = ON_EXHAUSTED,
};

/* A tenant that closed with bytes unread: the same as its end. */
static const enum pair_event down_events[STEPS] = {
	[STEP_ENDED] = ON_TENANT_ENDED,
	[STEP_BROKEN_FROM] = ON_TENANT_ENDED,
	[STEP_BROKEN_TO] = ON_CLIENT_BROKEN,
	[STEP_EXHAUSTED] = ON_EXHAUSTED,
};

/* Has the client sent more than belongs to the request? */
static enum pair_event
look_for_more(struct pair *pair)
{
	if (!pair->client.readable || !flow_done(&pair->up))
		return ON_NOTHING;
	if (side_unread(&pair->client, 0))
		return ON_CLIENT_MORE;
	pair->away |= pair->client.closed;
	pair->client.readable = false;
	return side_want(&pair->client, EV_READ | EV_CLOSED) == -1 ?
	    ON_EXHAUSTED : ON_NOTHING;
}

/*
 * In a response in which a client may have seen an end, what the tenant says
 * next could be taken for the answer to what the client has asked meanwhile.
 */
static enum pair_event
look_before(struct pair *pair)
{
	if (pair->state != PAIR_WARY || pair->down.load.held > 0 ||
	    !pair->backend.readable)
		return ON_NOTHING;
	pair->client.readable = true;
	return look_for_more(pair);
}

/* A client whose bytes wait for its tenant is not read: has it broken off? */
static enum pair_event
look_behind(struct pair *pair)
{
	if (pair->up.load.held == 0)
		return ON_NOTHING;
	if (side_want(&pair->client, EV_READ | EV_CLOSED) == -1)
		return ON_EXHAUSTED;
	return side_broken(&pair->client) ? ON_CLIENT_BROKEN : ON_NOTHING;
}

/* One step of both directions, until something is met. */
static enum pair_event
step(struct pair *pair, bool *progress)
{
	const bool	wanted = pair->up.load.held == 0 && pair->up.left > 0 &&
			    !pair->up.ended && pair->client.readable;
	enum step	up = STEP_BROKEN_TO, down;
	enum pair_event	event;

	/* Nothing is taken from a client for a tenant that is gone. */
	if (!wanted || !pair->backend.closed || !side_gone(&pair->backend))
		up = flow_step(&pair->up, &pair->client, &pair->backend,
		    TURN_QUANTUM, &pair->unsaid.report.up);
	/* An urgent byte cannot be moved, and nothing behind it. */
	if (wanted && up == STEP_NONE && !pair->client.readable &&
	    sockatmark(pair->client.fd) == 1)
		return ON_CLIENT_BROKEN;
	if (up_events[up] != ON_NOTHING)
		return up_events[up];
	event = up == STEP_NONE ? look_behind(pair) : ON_NOTHING;
	if (event == ON_NOTHING)
		event = look_before(pair);
	if (event != ON_NOTHING)
		return event;
	down = flow_step(&pair->down, &pair->backend, &pair->client,
	    TURN_QUANTUM, &pair->unsaid.report.down);
	*progress = up == STEP_MOVED || down == STEP_MOVED;
	if (up == STEP_STARVED || down == STEP_STARVED)
		turn_later(&pair->turn);
	return down_events[down];
}

static uint64_t
given(const struct pair *pair)
{
	return pair->unsaid.report.up + pair->unsaid.report.down;
}

/* Gives false when the pair is over. */
static bool
move(struct pair *pair)
{
	const uint64_t	before = given(pair);
	enum pair_event	event;
	bool		progress;

	do {
		progress = false;
		event = step(pair, &progress);
		if (event == ON_NOTHING)
			continue;
		pair_must(pair, event);
		if (pair_ended((enum pair_state)pair->state))
			return false;
		progress = true;
	} while (progress && given(pair) - before < TURN_QUANTUM);
	return true;
}

/* Is what usherd-http wanted to hear of true now? */
static void
tell(struct pair *pair)
{
	unsigned char due = 0;

	if (pair->up.left == 0 && pair->up.load.held == 0)
		due |= pair->tell & GRANT_TELL_UP;
	if (pair->down.left == 0 && pair->down.load.held == 0)
		due |= pair->tell & GRANT_TELL_DOWN;
	if (due == 0)
		return;
	pair->tell &= (unsigned char)~due;
	told_progress(&pair->untold);
}

/* What the state is waiting for may be true now. */
static void
settle(struct pair *pair)
{
	enum pair_event event = ON_NOTHING;

	switch ((enum pair_state)pair->state) {
	case PAIR_EXCHANGE:
	case PAIR_STOPPED:
		tell(pair);
		break;
	case PAIR_HURRIED:
		tell(pair);
		if (pair->deaf)
			event = ON_TENANT_DEAF;
		break;
	case PAIR_FINISHING:
		if (flow_done(&pair->up) && flow_done(&pair->down))
			event = ON_MOVED;
		break;
	case PAIR_LAST:
	case PAIR_WARY:
		event = look_for_more(pair);
		break;
	case PAIR_FREE:
	case PAIR_PRESSED:
	case PAIR_ORPHANED:
	case PAIR_TUNNEL:
	case PAIR_GOODBYE:
	case PAIR_STATES:
		break;
	}
	if (event != ON_NOTHING)
		pair_must(pair, event);
}

/* Does it count for the time that its state has? */
static bool
moved(const struct pair *pair, uint64_t up, uint64_t down)
{
	if (pair->state == PAIR_HURRIED)
		return up > 0;
	if (pair->state == PAIR_PRESSED || pair->state == PAIR_ORPHANED)
		return down > 0;
	return up + down > 0;
}

/*
 * What the client still sends is thrown away unseen.
 */
static void
discard(struct pair *pair)
{
	ssize_t	n;
	int	turn;

	for (turn = 0; turn < DISCARDS_PER_TURN; turn++) {
		n = recv(pair->client.fd, NULL, DISCARD_MAX,
		    MSG_TRUNC | MSG_DONTWAIT);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			break;	/* the timer ends it */
		if (n <= 0) {
			pair_must(pair, n == 0 ? ON_CLIENT_ENDED :
			    ON_CLIENT_BROKEN);
			return;
		}
	}
	if (turn > 0 && timeouts_now() < pair->until)
		pair_time(pair);
	pair->turn.bulk = turn == DISCARDS_PER_TURN;
	if (pair->turn.bulk)
		turn_queue(&pair->turn);
}

size_t
run(struct turn *turn)
{
	struct pair	*pair = pair_of_turn(turn);
	const uint64_t	 up = pair->unsaid.report.up;
	const uint64_t	 down = pair->unsaid.report.down;
	size_t		 bytes;

	if (pair->state == PAIR_GOODBYE) {
		discard(pair);
		return 0;
	}
	if (!move(pair))
		return (size_t)(given(pair) - up - down);
	bytes = (size_t)(given(pair) - up - down);
	if (pair_time_differs(pair) || moved(pair,
	    pair->unsaid.report.up - up, pair->unsaid.report.down - down))
		pair_time(pair);
	/* It may be a client that reads nothing of what is on its way. */
	if (pair->unsaid.report.down >= TURN_QUANTUM &&
	    !pair->client.bounded) {
		mover_bound(pair->client.fd);
		pair->client.bounded = true;
	}
	pair->turn.bulk = bytes >= TURN_MUCH;
	if (bytes >= TURN_QUANTUM)
		turn_queue(&pair->turn);
	settle(pair);
	return bytes;
}

/*
 * A client that has broken off behind bytes that nobody takes, such as the next
 * requests, is not seen to have: an hour would be long for that.
 */
void
run_late(struct pair *pair)
{
	if (pair_time_differs(pair))
		pair_time(pair);
	else if (pair->timer != TIMER_IDLE)
		pair_must(pair, ON_TIMER);
	else if (side_broken(&pair->client))
		pair_must(pair, ON_CLIENT_BROKEN);
	else
		pair_time_still(pair);
}
