/* SPDX-License-Identifier: ISC */
/*
 * An exchange on its way.  What the client sends is looked at in UP_EXPECTED
 * and UP_WALKING, and what the tenant sends in DOWN_LOOKING; UP_HEAD,
 * UP_MOVING, DOWN_MOVING and DOWN_WHOLE wait for progress.  It is over when all
 * of the request and of the response has moved:
 *
 *		request whole, moved	request not moved	UP_CUT
 * DOWN_MOVED	next one		DOWN_HURRYING		finished
 * DOWN_HURRYING DOWN_CALMING		waits			finished
 * DOWN_CALMING	next one
 *
 * GRANT_OPEN goes with what is granted while the response is not over.
 */
#include "carry.h"
#include "downward.h"
#include "upward.h"

static bool draining;

static void
finish(struct exchange *exchange)
{
	exchange_leave(exchange, 0, 0, GRANT_FINISH);
}

static void
cut(struct exchange *exchange)
{
	exchange_leave(exchange, 0, 0, GRANT_CUT);
}

/* In OPEN, on with the client's or the tenant's side; without memory for that
 * nothing can go on. */
static void
or_cut(struct exchange *exchange, int result)
{
	if (result == -1)
		cut(exchange);
}

static void
away(struct exchange *exchange)
{
	if (!exchange->client.ended || exchange->away)
		return;
	exchange->away = true;
	exchange_grant(exchange, 0, 0, GRANT_AWAY | GRANT_TELL_UP);
}

/* What it did while nobody wanted to know may have been to break off. */
static void
client_again(struct exchange *exchange)
{
	if (exchange->client.news && exchange->client.state == PEEK_ASIDE)
		peek_soon(&exchange->client);
}

/* A request that has been read, and its backend is there: it begins. */
void
carry_begin(struct exchange *exchange)
{
	const bool moves = exchange->up != UP_WHOLE || exchange->distant;

	response_begin(&exchange->response, &exchange->to);
	exchange->down = DOWN_LOOKING;
	exchange->granted = 0;
	exchange_enter(exchange, EXCHANGE_OPEN);
	exchange_grant(exchange, exchange->ready, 0,
	    GRANT_OPEN | (moves ? GRANT_TELL_UP : 0));
	away(exchange);
	peek_reads(&exchange->client, PEEK_STREAM);
	peek_reads(&exchange->backend, PEEK_STREAM);
	client_again(exchange);
	if (exchange->distant)
		peek_unwatch(&exchange->client);
	if (!exchange->distant && peek_watch(&exchange->client) == -1)
		cut(exchange);
	else if (exchange->fresh)	/* what is there makes an event */
		or_cut(exchange, peek_wait(&exchange->backend));
	else
		or_cut(exchange, peek_resume(&exchange->backend));
}

/* Both directions have moved to their last byte. */
static void
over(struct exchange *exchange)
{
	exchange->fresh = false;
	/* One that closes before it has read all gives no event of its end. */
	if (exchange->framing != BODY_NONE)
		exchange->backend.news = true;
	exchange_enter(exchange, EXCHANGE_NEXT);
	peek_aside(&exchange->backend);
	peek_reads(&exchange->client, PEEK_MESSAGE);
	or_cut(exchange, peek_resume(&exchange->client));
}

/* The response has moved, and the request. */
static void
moved(struct exchange *exchange)
{
	if (exchange->last || draining) {
		finish(exchange);
	} else if (exchange->down == DOWN_HURRYING) {
		exchange->down = DOWN_CALMING;
		exchange_grant(exchange, 0, 0, GRANT_CALM | GRANT_TELL_UP);
	} else if (exchange_heard(exchange)) {
		over(exchange);
	}
}

/* The response has moved; what of the request? */
static void
settle(struct exchange *exchange)
{
	if (exchange->down != DOWN_MOVED && exchange->down != DOWN_HURRYING &&
	    exchange->down != DOWN_CALMING)
		return;
	if (exchange->up == UP_CUT) {
		finish(exchange);
	} else if (exchange->up == UP_WHOLE && exchange->upward.left == 0) {
		moved(exchange);
	} else if (exchange->down == DOWN_MOVED) {
		exchange->down = DOWN_HURRYING;
		exchange_grant(exchange, 0, 0, GRANT_HURRY | GRANT_TELL_UP);
	}
}

static unsigned int
last_flag(const struct exchange *exchange)
{
	return response_wary(&exchange->response) ? GRANT_WARY : GRANT_LAST;
}

/* The rest of the request does not come, or may not pass. */
static void
up_cut(struct exchange *exchange)
{
	exchange->up = UP_CUT;
	exchange->last = true;
	if (exchange->down == DOWN_PASSING)
		exchange_leave(exchange, 0, 0, last_flag(exchange));
	else
		settle(exchange);
}

static unsigned int
open_flag(const struct exchange *exchange)
{
	switch (exchange->down) {
	case DOWN_LOOKING:
	case DOWN_MOVING:
	case DOWN_PASSING:
		return GRANT_OPEN;
	case DOWN_WHOLE:
	case DOWN_MOVED:
	case DOWN_HURRYING:
	case DOWN_CALMING:
		break;
	}
	return 0;
}

/* More of the request may pass; the client's side waits for that. */
static void
up_grant(struct exchange *exchange, enum exchange_up up, uint64_t grant)
{
	const bool moves = up != UP_WHOLE || exchange->distant ||
	    exchange->down == DOWN_HURRYING;

	exchange->up = up;
	if (up == UP_WHOLE && exchange->down == DOWN_PASSING) {
		exchange_leave(exchange, grant, 0, last_flag(exchange));
		return;
	}
	exchange_grant(exchange, grant, 0, open_flag(exchange) |
	    (moves ? GRANT_TELL_UP : 0));
	if (exchange->distant)
		peek_unwatch(&exchange->client);
}

/*
 * The client has ended in the middle of its request: the relay finds that out
 * inside a grant, and tells the tenant.
 */
static void
up_ended(struct exchange *exchange, uint64_t grant)
{
	exchange->away = true;		/* which it knows then */
	exchange_grant(exchange, grant, 0, open_flag(exchange));
	up_cut(exchange);
}

/* The chunks cannot be read on.  The client is told where it has been told
 * nothing else. */
static void
up_broken(struct exchange *exchange, enum refusal refusal)
{
	if (response_begun(&exchange->response))
		finish(exchange);
	else
		exchange_refuse(exchange, refusal);
}

static void
chunks_look(struct exchange *exchange)
{
	enum refusal	refusal;
	uint64_t	grant;

	switch (upward_chunks(exchange, &grant, &refusal)) {
	case UPWARD_WAIT:
		or_cut(exchange, peek_wait(&exchange->client));
		return;
	case UPWARD_PART:
		up_grant(exchange, UP_MOVING, grant);
		return;
	case UPWARD_WHOLE:
		up_grant(exchange, UP_WHOLE, grant);
		return;
	case UPWARD_ENDED:
		up_ended(exchange, grant + 1);
		return;
	case UPWARD_REFUSED:
		up_broken(exchange, refusal);
		return;
	case UPWARD_SAME:
	case UPWARD_OTHER:
	case UPWARD_BROKEN:
		break;
	}
	cut(exchange);
}

/* The body of a request that expects an answer first may pass: it is there. */
static void
body_begin(struct exchange *exchange)
{
	if (exchange->framing == BODY_CHUNKED) {
		exchange->up = UP_WALKING;
		chunks_look(exchange);
		return;
	}
	exchange->distant = exchange->body > EXCHANGE_DISTANT;
	up_grant(exchange, UP_WHOLE, exchange->body);
}

static void tenant_look(struct exchange *);

/* The tenant is looked at first: it may have declined. */
static void
expected_look(struct exchange *exchange)
{
	if (exchange->down == DOWN_LOOKING && exchange->backend.news) {
		peek_aside(&exchange->backend);
		tenant_look(exchange);
		if (exchange->state != EXCHANGE_OPEN ||
		    exchange->up != UP_EXPECTED)
			return;
	}
	switch (upward_expected(exchange)) {
	case UPWARD_WAIT:
		or_cut(exchange, peek_wait(&exchange->client));
		return;
	case UPWARD_PART:
		body_begin(exchange);
		return;
	case UPWARD_ENDED:
		up_ended(exchange, exchange->framing == BODY_CHUNKED ? 1 :
		    exchange->body);
		return;
	case UPWARD_SAME:
	case UPWARD_OTHER:
	case UPWARD_WHOLE:
	case UPWARD_REFUSED:
	case UPWARD_BROKEN:
		break;
	}
	cut(exchange);
}

/*
 * Nobody can know whether a body that was declined comes all the same: none
 * of it passes, and nothing that follows is taken for a request.
 */
static void
declined(struct exchange *exchange)
{
	if (!response_final(&exchange->response))
		return;
	if (exchange->up != UP_HEAD && exchange->up != UP_EXPECTED)
		return;
	exchange->up = UP_CUT;
	exchange->last = true;
	peek_aside(&exchange->client);
}

static void
down_whole(struct exchange *exchange, uint64_t grant)
{
	exchange->last |= response_last(&exchange->response) || draining;
	if (exchange->last &&
	    (exchange->framing == BODY_NONE || exchange->up == UP_CUT)) {
		exchange_leave(exchange, 0, grant, GRANT_FINISH);
		return;
	}
	exchange->down = DOWN_WHOLE;
	exchange_grant(exchange, 0, grant, GRANT_TELL_DOWN);
}

/* Nobody can tell where it ends. */
static void
down_last(struct exchange *exchange)
{
	if (exchange->up == UP_WHOLE || exchange->up == UP_CUT) {
		exchange_leave(exchange, 0, 0, last_flag(exchange));
		return;
	}
	exchange->down = DOWN_PASSING;
	exchange->last = true;
	peek_unwatch(&exchange->backend);
	exchange_grant(exchange, 0, GRANTS_MOST, GRANT_OPEN);
}

/*
 * The tenant has ended without the end of a response.  One that was kept may
 * have ended before it saw the request: where nothing of that was taken, it is
 * for another backend, as if it came now.
 */
static void
tenant_ended(struct exchange *exchange, bool broken)
{
	peek_end(&exchange->backend);
	if (response_begun(&exchange->response)) {
		exchange_leave(exchange, 0, 0,
		    broken ? GRANT_CUT : GRANT_FINISH);
	} else if (exchange->fresh) {
		exchange_refuse(exchange, REFUSAL_NO_ANSWER);
	} else {
		peek_aside(&exchange->client);
		exchange_enter(exchange, EXCHANGE_STOPPING);
		exchange_stop(exchange);
	}
}

static void
tenant_look(struct exchange *exchange)
{
	enum downward	found;
	uint64_t	grant;

	found = downward_look(exchange, &grant);
	declined(exchange);
	switch (found) {
	case DOWNWARD_WAIT:
		or_cut(exchange, peek_wait(&exchange->backend));
		return;
	case DOWNWARD_PART:
		exchange->down = DOWN_MOVING;
		exchange_grant(exchange, 0, grant,
		    GRANT_OPEN | GRANT_TELL_DOWN);
		return;
	case DOWNWARD_WHOLE:
		down_whole(exchange, grant);
		return;
	case DOWNWARD_LAST:
		down_last(exchange);
		return;
	case DOWNWARD_TUNNEL:
		exchange_leave(exchange, 0, grant, GRANT_TUNNEL);
		return;
	case DOWNWARD_ENDED:
		tenant_ended(exchange, false);
		return;
	case DOWNWARD_BROKEN:
		break;
	}
	tenant_ended(exchange, true);
}

void
carry_client(struct exchange *exchange)
{
	switch (exchange->up) {
	case UP_EXPECTED:
		expected_look(exchange);
		return;
	case UP_WALKING:
		chunks_look(exchange);
		return;
	case UP_WHOLE:
	case UP_HEAD:
	case UP_MOVING:
	case UP_CUT:
		break;
	}
	/* It may have asked on, ended, or broken off: the relay finds that out
	 * where it has something to say to it. */
	if (exchange->down == DOWN_LOOKING && upward_broken(exchange))
		cut(exchange);
	else
		away(exchange);
}

/* All that was granted has been taken off the client's side. */
static void
up_taken(struct exchange *exchange)
{
	switch (exchange->up) {
	case UP_HEAD:
		exchange->up = UP_EXPECTED;
		or_cut(exchange, peek_resume(&exchange->client));
		return;
	case UP_MOVING:
		exchange->up = UP_WALKING;
		or_cut(exchange, peek_resume(&exchange->client));
		return;
	case UP_WHOLE:		/* whose segments had not to wake us */
		or_cut(exchange, peek_watch(&exchange->client));
		return;
	case UP_EXPECTED:
	case UP_WALKING:
	case UP_CUT:
		break;
	}
}

static void
down_moved(struct exchange *exchange)
{
	switch (exchange->down) {
	case DOWN_MOVING:
		exchange->down = DOWN_LOOKING;
		/* What was hidden behind it may come without an event. */
		exchange->backend.news = true;
		client_again(exchange);
		or_cut(exchange, peek_resume(&exchange->backend));
		return;
	case DOWN_WHOLE:
		exchange->down = DOWN_MOVED;
		return;
	case DOWN_LOOKING:
	case DOWN_PASSING:
	case DOWN_MOVED:
	case DOWN_HURRYING:
	case DOWN_CALMING:
		break;
	}
}

/* What the relay says covers all grants of a direction, or tells nothing of
 * it. */
void
carry_moved(struct exchange *exchange, const struct progress *progress)
{
	const uint32_t lost = PROGRESS_CLIENT_ENDED | PROGRESS_TENANT_DEAF;

	if (flow_covered(&exchange->upward, progress)) {
		exchange->upward.left = progress->up;
		if (progress->untaken == 0)
			up_taken(exchange);
	}
	if (exchange->state == EXCHANGE_OPEN &&
	    flow_covered(&exchange->downward, progress)) {
		exchange->downward.left = progress->down;
		if (progress->down == 0)
			down_moved(exchange);
	}
	if (exchange->state == EXCHANGE_OPEN && (progress->flags & lost) != 0)
		up_cut(exchange);
	else if (exchange->state == EXCHANGE_OPEN)
		settle(exchange);
}

void
carry_backend(struct exchange *exchange)
{
	if (exchange->down == DOWN_LOOKING)
		tenant_look(exchange);
}

void
carry_drain(void)
{
	draining = true;
}
