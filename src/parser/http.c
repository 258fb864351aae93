/* SPDX-License-Identifier: ISC */
/*
 * usherd-http: the name is the Host of each request, and a request may pass
 * as far as its framing has been read.
 */
#include <string.h>

#include "../common/refusal.h"
#include "protocol.h"
#include "request.h"

const size_t protocol_window = REQUEST_HEAD_MAX + 1;

int
protocol_engine(const char *engine)
{
	return engine == NULL ? 0 : -1;
}

static enum look
refuse(struct verdict *verdict, enum refusal refusal)
{
	/* Nothing of what was found before. */
	memset(verdict, 0, sizeof(*verdict));
	verdict->code = VERDICT_REFUSED;
	verdict->refusal = (uint8_t)refusal;
	return LOOK_VERDICT;
}

/*
 * Goes on along a chunked body of which granted bytes, part of a head, may
 * pass already.  Where the window shows framing that is broken, nothing of
 * it passes.
 */
static enum look
look_at_chunks(struct protocol_state *state, const uint8_t *bytes, size_t n,
    uint64_t granted, struct verdict *verdict)
{
	uint64_t grant;

	state->partial = true;
	switch (chunks_walk(&state->chunks, bytes, n, &grant)) {
	case CHUNKS_PART:
		grant = 0;
		break;
	case CHUNKS_GRANT:
		break;
	case CHUNKS_END:
		state->partial = false;
		break;
	case CHUNKS_BAD:
		return refuse(verdict, REFUSAL_MALFORMED);
	}
	verdict->grant = granted + grant;	/* both below 2^63 */
	verdict->partial = state->partial;
	verdict->kept = state->partial || !state->last;
	return LOOK_VERDICT;
}

/* How far the request goes, as far as can be seen. */
static enum look
look_at_length(struct protocol_state *state, const struct request *request,
    const uint8_t *bytes, size_t n, struct verdict *verdict)
{
	static const struct chunks	none;

	state->partial = false;
	state->last = request->last;
	verdict->grant = request->head;
	verdict->kept = !request->last;
	switch (request->body) {
	case BODY_NONE:
		return LOOK_VERDICT;
	case BODY_LENGTH:
		verdict->grant += request->length;
		return LOOK_VERDICT;
	case BODY_TUNNEL:
		verdict->grant = GRANT_UNLIMITED;
		verdict->kept = 0;
		return LOOK_VERDICT;
	case BODY_CHUNKED:
		break;
	}
	state->chunks = none;
	return look_at_chunks(state, bytes + request->head,
	    n - request->head, request->head, verdict);
}

static enum look
look_at_request(struct protocol_state *state, const struct request *request,
    const uint8_t *bytes, size_t n, struct verdict *verdict)
{
	switch (request->target) {
	case TARGET_NAMED:
		verdict->code = VERDICT_NAMED;
		verdict->name = request->name;
		return look_at_length(state, request, bytes, n, verdict);
	case TARGET_NAMELESS:
		verdict->code = VERDICT_NAMELESS;
		return look_at_length(state, request, bytes, n, verdict);
	case TARGET_BAD_NAME:
		break;
	}
	return refuse(verdict, refusal_of_name(request->fault));
}

/* In the middle of a chunked body: bytes begin where the last grant ended. */
static enum look
look_on(struct protocol_state *state, const uint8_t *bytes, size_t n,
    struct verdict *verdict, size_t *missing)
{
	enum look look;

	verdict->code = VERDICT_MORE;
	look = look_at_chunks(state, bytes, n, 0, verdict);
	if (verdict->code != VERDICT_MORE || verdict->grant > 0)
		return look;
	*missing = 1;
	return LOOK_WAIT;
}

/* Empty lines before a request are no part of it, RFC 9112 section 2.2. */
static bool
begun(const uint8_t *bytes, size_t n)
{
	size_t i = 0;

	while (i < n && (bytes[i] == '\r' || bytes[i] == '\n'))
		i++;
	return i < n;
}

enum look
protocol_look(struct protocol_state *state, const uint8_t *bytes, size_t n,
    struct verdict *verdict, size_t *missing)
{
	struct request request;

	if (state->partial)
		return look_on(state, bytes, n, verdict, missing);
	switch (request_parse(bytes, n, &request)) {
	case REQUEST_WHOLE:
		return look_at_request(state, &request, bytes, n, verdict);
	case REQUEST_PART:
		*missing = 1;
		return begun(bytes, n) ? LOOK_WAIT : LOOK_NOTHING;
	case REQUEST_CONNECT:
		return refuse(verdict, REFUSAL_METHOD);
	case REQUEST_TOO_LARGE:
		return refuse(verdict, REFUSAL_TOO_LARGE);
	case REQUEST_CODING:
		return refuse(verdict, REFUSAL_CODING);
	case REQUEST_VERSION:
		return refuse(verdict, REFUSAL_VERSION);
	case REQUEST_BAD:
		break;
	}
	return refuse(verdict, REFUSAL_MALFORMED);
}
