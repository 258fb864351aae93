/* SPDX-License-Identifier: ISC */
/*
 * What tenants send: responses, as far as they come with one look.
 */
#include "downward.h"

enum {
	WINDOW = 2 * 1024,		/* most responses, and most heads */
	WINDOW_WIDE = 16 * 1024		/* where there is more than that */
};

/*
 * Reads on in the n bytes of the window, of which *grant have been read or
 * announced before.
 */
static enum response_state
read_on(struct exchange *exchange, size_t n, uint64_t *grant)
{
	enum response_state	state = RESPONSE_MORE;
	uint64_t		more;
	size_t			at;

	if (*grant >= n)
		return state;
	at = (size_t)*grant;
	state = response_read(&exchange->response, peek_bytes() + at, n - at,
	    &more);
	*grant = more > UINT64_MAX - *grant ? UINT64_MAX : *grant + more;
	return state;
}

/* What was seen of it: n bytes, of which *grant may pass. */
static void
seen(struct exchange *exchange, size_t n, uint64_t grant)
{
	peek_goes_on(&exchange->backend, PEEK_STREAM, grant);
	if (grant > n && grant - n > EXCHANGE_DISTANT)
		peek_unwatch(&exchange->backend);
}

static enum downward
reads_as(struct exchange *exchange, enum response_state state, size_t n,
    uint64_t grant)
{
	switch (state) {
	case RESPONSE_MORE:
		return DOWNWARD_PART;
	case RESPONSE_END:
		if (n <= grant)
			return DOWNWARD_WHOLE;
		/* What came with it may be the rest of it: it passes, as long
		 * as the client does not ask on. */
		if (response_doubtful(&exchange->response))
			return DOWNWARD_LAST;
		/* Nobody has asked for that. */
		peek_end(&exchange->backend);
		return DOWNWARD_WHOLE;
	case RESPONSE_LAST:
		return DOWNWARD_LAST;
	case RESPONSE_TUNNEL:
		break;
	}
	return DOWNWARD_TUNNEL;
}

/* A look into the larger window costs more and is taken only where the smaller
 * one was full, or would have been last time. */
enum downward
downward_look(struct exchange *exchange, uint64_t *grant)
{
	enum response_state	state = RESPONSE_MORE;
	size_t			n, max;

	*grant = 0;
	max = exchange->wide ? WINDOW_WIDE : WINDOW;
	for (; max <= WINDOW_WIDE; max *= WINDOW_WIDE / WINDOW) {
		switch (peek_see(&exchange->backend, max, &n)) {
		case PEEK_BYTES:
			break;
		case PEEK_NOTHING:
			return DOWNWARD_WAIT;
		case PEEK_END:
			return DOWNWARD_ENDED;
		case PEEK_BROKEN:
			return DOWNWARD_BROKEN;
		}
		state = read_on(exchange, n, grant);
		peek_forget();
		if (state != RESPONSE_MORE || n < max || *grant >= WINDOW_WIDE)
			break;
	}
	exchange->wide = n > WINDOW;
	seen(exchange, n, *grant);
	return reads_as(exchange, state, n, *grant);
}

bool
downward_idle(struct exchange *exchange)
{
	size_t n;

	if (exchange->backend.state == PEEK_CLOSED)
		return false;
	/* Of one that is not watched nothing is known. */
	if (exchange->backend.watched && !exchange->backend.news &&
	    !exchange->backend.ended)
		return true;
	if (peek_see(&exchange->backend, 1, &n) == PEEK_NOTHING)
		return true;
	peek_forget();
	peek_end(&exchange->backend);
	return false;
}
