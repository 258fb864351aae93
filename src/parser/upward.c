/* SPDX-License-Identifier: ISC */
/*
 * What clients send: heads, and the chunks of bodies.
 */
#include <string.h>

#include "upward.h"

const size_t upward_window = REQUEST_HEAD_MAX + 1;

/* Empty lines before a request are no part of it, RFC 9112 section 2.2. */
static bool
begun(const uint8_t *bytes, size_t n)
{
	size_t i = 0;

	while (i < n && (bytes[i] == '\r' || bytes[i] == '\n'))
		i++;
	return i < n;
}

/* What has been seen of it, when up to passes bytes may pass. */
static void
seen(struct exchange *exchange, size_t n, uint64_t passes)
{
	if (n > passes)
		exchange->client.news = true;
	exchange->distant = passes > n && passes - n > EXCHANGE_DISTANT;
}

/* Along the chunks in the n bytes; a broken one is UPWARD_REFUSED. */
static enum upward
walk(struct exchange *exchange, const uint8_t *bytes, size_t n, uint64_t *grant)
{
	switch (chunks_walk(&exchange->chunks, bytes, n, grant)) {
	case CHUNKS_PART:
		return UPWARD_WAIT;
	case CHUNKS_GRANT:
		return UPWARD_PART;
	case CHUNKS_END:
		return UPWARD_WHOLE;
	case CHUNKS_BAD:
		break;
	}
	return UPWARD_REFUSED;
}

/*
 * How far it goes, as far as can be seen.  Where the window shows framing that
 * is broken, nothing of it passes.
 */
static enum upward
measure(struct exchange *exchange, const struct request *request, size_t n)
{
	static const struct chunks	none;
	enum upward			walked;
	uint64_t			grant;

	exchange->framing = request->body;
	exchange->ready = request->size;
	exchange->body = request->length;
	exchange->chunks = none;
	exchange->up = UP_HEAD;
	if (request->body != BODY_NONE && request->expect)
		return UPWARD_PART;
	exchange->up = UP_WHOLE;
	if (request->body != BODY_CHUNKED) {
		exchange->ready += request->length;
		return UPWARD_WHOLE;
	}
	walked = walk(exchange, peek_bytes() + request->size, n - request->size,
	    &grant);
	exchange->ready += grant;
	if (walked != UPWARD_WHOLE)
		exchange->up = UP_MOVING;
	return walked;
}

/* Of a request that may pass, whose is it? */
static enum upward
whose(struct exchange *exchange, const struct request *request)
{
	const bool same = exchange->number > 0 &&
	    exchange->target == request->target &&
	    memcmp(&exchange->name, &request->name,
	    sizeof(exchange->name)) == 0;

	exchange->target = request->target;
	exchange->name = request->name;
	exchange->last = request->last;
	return same ? UPWARD_SAME : UPWARD_OTHER;
}

static enum upward
head_whole(struct exchange *exchange, const struct request *request, size_t n,
    enum refusal *refusal)
{
	exchange->to.head = request->head;
	exchange->to.upgrade = request->upgrade;
	exchange->to.http10 = request->http10;
	if (request->target == TARGET_BAD_NAME) {
		*refusal = refusal_of_name(request->fault);
		return UPWARD_REFUSED;
	}
	if (measure(exchange, request, n) == UPWARD_REFUSED) {
		*refusal = REFUSAL_MALFORMED;
		return UPWARD_REFUSED;
	}
	seen(exchange, n, exchange->ready);
	return whose(exchange, request);
}

/* Legal so far; only what is no empty line is the beginning of a request. */
static enum upward
head_part(struct exchange *exchange, size_t n, enum refusal *refusal)
{
	if (!begun(peek_bytes(), n))
		return exchange->client.ended ? UPWARD_ENDED : UPWARD_WAIT;
	if (exchange->state == EXCHANGE_FIRST)
		exchange_enter(exchange, EXCHANGE_FIRST_HEAD);
	if (exchange->state == EXCHANGE_NEXT)
		exchange_enter(exchange, EXCHANGE_NEXT_HEAD);
	*refusal = REFUSAL_TRUNCATED;
	return exchange->client.ended ? UPWARD_REFUSED : UPWARD_WAIT;
}

static enum upward
head_read(struct exchange *exchange, size_t n, enum refusal *refusal)
{
	struct request request;

	*refusal = REFUSAL_MALFORMED;
	switch (request_parse(peek_bytes(), n, &request)) {
	case REQUEST_WHOLE:
		return head_whole(exchange, &request, n, refusal);
	case REQUEST_PART:
		return head_part(exchange, n, refusal);
	case REQUEST_CONNECT:
		*refusal = REFUSAL_METHOD;
		break;
	case REQUEST_TOO_LARGE:
		*refusal = REFUSAL_TOO_LARGE;
		break;
	case REQUEST_CODING:
		*refusal = REFUSAL_CODING;
		break;
	case REQUEST_VERSION:
		*refusal = REFUSAL_VERSION;
		break;
	case REQUEST_BAD:
		break;
	}
	return UPWARD_REFUSED;
}

/* UPWARD_PART: there are n bytes in the window. */
static enum upward
look(struct exchange *exchange, size_t max, size_t *n)
{
	switch (peek_see(&exchange->client, max, n)) {
	case PEEK_BYTES:
		return UPWARD_PART;
	case PEEK_NOTHING:
		return exchange->client.ended ? UPWARD_ENDED : UPWARD_WAIT;
	case PEEK_END:
		return UPWARD_ENDED;
	case PEEK_BROKEN:
		break;
	}
	return UPWARD_BROKEN;
}

enum upward
upward_head(struct exchange *exchange, enum refusal *refusal)
{
	static const struct response_to	unknown;
	enum upward			found;
	size_t				n;

	exchange->to = unknown;
	found = look(exchange, upward_window, &n);
	if (found != UPWARD_PART)
		return found;
	found = head_read(exchange, n, refusal);
	peek_forget();
	return found;
}

enum upward
upward_chunks(struct exchange *exchange, uint64_t *grant, enum refusal *refusal)
{
	enum upward	found;
	size_t		n;

	*grant = 0;
	found = look(exchange, upward_window, &n);
	if (found != UPWARD_PART)
		return found;
	found = walk(exchange, peek_bytes(), n, grant);
	peek_forget();
	*refusal = REFUSAL_MALFORMED;
	/* A line that is not whole is looked at again from its beginning. */
	peek_goes_on(&exchange->client, found == UPWARD_WAIT ? PEEK_MESSAGE :
	    PEEK_STREAM, *grant);
	if (found == UPWARD_WAIT && exchange->client.ended) {
		*grant = n;	/* legal so far */
		return UPWARD_ENDED;
	}
	seen(exchange, n, *grant);
	return found;
}

bool
upward_broken(struct exchange *exchange)
{
	size_t			n;
	const enum upward	found = look(exchange, 1, &n);

	peek_forget();
	return found == UPWARD_BROKEN;
}

enum upward
upward_expected(struct exchange *exchange)
{
	enum upward	found;
	size_t		n;

	found = look(exchange, 1, &n);
	peek_forget();
	return found;
}
