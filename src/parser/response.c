/* SPDX-License-Identifier: ISC */
/*
 * Reads responses to find their ends.  A tenant that makes its client and this
 * reader see different ends could put bytes of its own before the answer of
 * another tenant, if not on this connection then on what a client that keeps
 * it takes for idle: in doubt the end is the first one that anybody may see,
 * and no other exchange follows.
 */
#include <string.h>

#include "response.h"

enum {
	STATUS_INTERIM = 100,
	STATUS_SWITCHING = 101,
	STATUS_FINAL = 200,	/* this one and all above */
	STATUS_NO_CONTENT = 204,
	STATUS_NOT_MODIFIED = 304
};

/* '1' stands for 0 or 1, 'c' for the class of a status, 'd' for a digit. */
static const char line_form[] = "HTTP/1.1 cdd ";

enum {
	LINE_MINOR = 7,		/* where in line_form */
	LINE_CLASS = 9,
	LINE_STATUS_END = 12,
	LINE_REASON = 13
};

static bool
form_matches(unsigned at, uint8_t c)
{
	if (at == LINE_MINOR)
		return c == '0' || c == '1';
	if (at == LINE_CLASS)
		return c >= '1' && c <= '5';
	if (at > LINE_CLASS && at < LINE_STATUS_END)
		return octet_digit(c);
	return c == (uint8_t)line_form[at];
}

/* A byte of the status line up to its reason. */
static enum line_state
status_byte(struct response *response, uint8_t c)
{
	unsigned at = response->matched;

	if (!form_matches(at, c))
		return LINE_BAD;
	if (at == LINE_MINOR)
		response->http10 = c == '0';
	if (at >= LINE_CLASS && at < LINE_STATUS_END)
		response->status = (uint16_t)(response->status * 10 + c - '0');
	if (++response->matched == LINE_STATUS_END)
		response->final = response->status >= STATUS_FINAL ||
		    response->status == STATUS_SWITCHING;
	if (response->matched == LINE_REASON)
		response->part = RESPONSE_REASON;
	return LINE_PART;
}

static enum line_state
line_byte(struct response *response, uint8_t c)
{
	if (response->part == RESPONSE_STATUS)
		return status_byte(response, c);
	if (response->part == RESPONSE_LF)
		return c == '\n' ? LINE_WHOLE : LINE_BAD;
	response->part = RESPONSE_LF;
	return c == '\r' ? LINE_PART : LINE_BAD;
}

/* LINE_WHOLE behind the status line. */
static enum line_state
line_read(struct response *response, const uint8_t *bytes, size_t n,
    size_t *used)
{
	enum line_state	state = LINE_PART;
	size_t		i = 0;

	while (state == LINE_PART) {
		if (response->part == RESPONSE_REASON)
			i += octet_run(bytes + i, n - i, OCTET_VALUE);
		if (i == n)
			break;
		state = line_byte(response, bytes[i++]);
	}
	*used = i;
	return state;
}

/* A status line comes next, of the first response or behind an interim one. */
static void
head_begin(struct response *response)
{
	response->part = RESPONSE_STATUS;
	response->status = 0;
	response->matched = 0;
	response->http10 = false;
	lenient_begin(&response->lenient);
}

/* No client sees an end before that of the connection. */
static enum response_state
unframed(struct response *response)
{
	response->final = true;
	return response->status == STATUS_SWITCHING && response->to.upgrade ?
	    RESPONSE_TUNNEL : RESPONSE_LAST;
}

/*
 * A head is over that is not the last one.  nginx before 1.29 takes it for
 * that; where it would see an end and others would not, only the connection
 * can be the end.
 */
static enum response_state
interim(struct response *response)
{
	const struct lenient *lenient = &response->lenient;

	if (lenient->chunked || lenient->length != LENIENT_NONE ||
	    response->to.head)
		return unframed(response);
	if (response->http10 || response->to.http10)
		response->odd = true;
	head_begin(response);
	return RESPONSE_MORE;
}

/*
 * The head is over: *data bytes come behind it, or chunks, or another head.
 * Both lengths can be read in two ways, as can a coding in HTTP/1.0, which
 * knows none (RFC 9112 section 6.1).
 */
static enum response_state
head_judge(struct response *response, uint64_t *data)
{
	const struct lenient	*lenient = &response->lenient;
	unsigned		 status = lenient->status;

	if (response->status == STATUS_SWITCHING && response->to.upgrade)
		return unframed(response);
	if (!lenient->torn && status >= STATUS_INTERIM &&
	    status < STATUS_FINAL && status != STATUS_SWITCHING)
		return interim(response);
	response->final = true;
	if (status == STATUS_SWITCHING || (lenient->chunked &&
	    (lenient->length != LENIENT_NONE || response->http10 ||
	    response->to.http10)))
		response->odd = true;
	if (lenient->torn || response->to.head ||
	    status == STATUS_SWITCHING || status == STATUS_NO_CONTENT ||
	    status == STATUS_NOT_MODIFIED)
		return RESPONSE_END;
	if (!lenient->chunked && lenient->length == LENIENT_NONE)
		return unframed(response);
	if (!lenient->chunked || lenient->length == 0) {
		*data = lenient->length;
		return RESPONSE_END;
	}
	response->part = RESPONSE_CHUNKS;
	response->left = lenient->length;
	coded_begin(&response->coded);
	return RESPONSE_MORE;
}

/* A line of chunks is read, or the last of them. */
static enum response_state
chunk_judge(struct response *response, enum line_state line, uint64_t *data)
{
	if (line == LINE_WHOLE) {
		*data = response->coded.size;
		return RESPONSE_MORE;
	}
	response->part = RESPONSE_TRAILER;
	framing_trailers(&response->framing);
	lenient_trailers(&response->lenient);
	return RESPONSE_MORE;
}

/* What cannot be read on. */
static enum response_state
broken(struct response *response)
{
	response->odd = true;
	return response->part == RESPONSE_CHUNKS ?
	    RESPONSE_END : unframed(response);
}

/* A part is read: what becomes of it, and how much data comes next? */
static enum response_state
part_judge(struct response *response, enum line_state line, uint64_t *data)
{
	if (line == LINE_PART)
		return RESPONSE_MORE;
	if (line == LINE_BAD)
		return broken(response);
	switch (response->part) {
	case RESPONSE_STATUS:
	case RESPONSE_REASON:
	case RESPONSE_LF:
		if (line == LINE_EMPTY)
			return head_judge(response, data);
		response->part = RESPONSE_FIELDS;
		framing_begin(&response->framing);
		return RESPONSE_MORE;
	case RESPONSE_FIELDS:
		return head_judge(response, data);
	case RESPONSE_CHUNKS:
		return chunk_judge(response, line, data);
	case RESPONSE_TRAILER:
		return RESPONSE_END;
	}
	return unframed(response);
}

/* A head or trailers, as the grammar has them. */
static enum line_state
grammar_read(struct response *response, const uint8_t *bytes, size_t n,
    size_t *used)
{
	switch (response->part) {
	case RESPONSE_STATUS:
	case RESPONSE_REASON:
	case RESPONSE_LF:
		return line_read(response, bytes, n, used);
	case RESPONSE_FIELDS:
	case RESPONSE_TRAILER:
		return framing_read(&response->framing, bytes, n, used);
	case RESPONSE_CHUNKS:
		break;
	}
	*used = 0;
	return LINE_BAD;
}

static enum line_state
odd_read(struct response *response, const uint8_t *bytes, size_t n,
    size_t *used)
{
	enum line_state state;

	state = lenient_read(&response->lenient, bytes, n, used);
	if (lenient_final(&response->lenient))
		response->final = true;
	return state;
}

/*
 * What is read by the grammar is read leniently too, so that all of a head is
 * known to that reader where the grammar is left in the midst of it.  From
 * there on it reads alone.
 */
static enum line_state
part_read(struct response *response, const uint8_t *bytes, size_t n,
    size_t *used)
{
	enum line_state	state;
	size_t		same;

	if (response->part == RESPONSE_CHUNKS)
		return coded_read(&response->coded, bytes, n, used);
	if (response->odd)
		return odd_read(response, bytes, n, used);
	state = grammar_read(response, bytes, n, used);
	if (state != LINE_BAD) {
		(void)lenient_read(&response->lenient, bytes, *used, &same);
		return state;
	}
	response->odd = true;
	if (response->status == STATUS_SWITCHING && response->to.upgrade)
		return LINE_BAD;
	if (response->status < STATUS_INTERIM)
		response->final = true;
	return odd_read(response, bytes, n, used);
}

/*
 * Of a body with both lengths, `used` bytes were read and *data announced.
 * It ends where the shorter one does.
 */
static enum response_state
shorten(struct response *response, enum response_state state, size_t used,
    uint64_t *data)
{
	if (response->left == LENIENT_NONE)
		return state;
	response->left -= used;
	if (*data >= response->left) {
		*data = response->left;
		return RESPONSE_END;
	}
	response->left -= *data;
	return state;
}

/* What is still a part of the response, of n bytes. */
static size_t
within(const struct response *response, size_t n)
{
	return response->left < n ? (size_t)response->left : n;
}

void
response_begin(struct response *response, const struct response_to *to)
{
	memset(response, 0, sizeof(*response));
	response->to = *to;
	response->left = LENIENT_NONE;
	head_begin(response);
}

enum response_state
response_read(struct response *response, const uint8_t *bytes, size_t n,
    uint64_t *grant)
{
	enum response_state	state;
	enum line_state		line;
	uint64_t		data;
	size_t			at = 0, used;
	bool			body;

	if (n > 0)
		response->begun = true;
	for (;;) {
		body = response->left != LENIENT_NONE;
		line = part_read(response, bytes + at,
		    within(response, n - at), &used);
		at += used;
		data = 0;
		state = part_judge(response, line, &data);
		if (body)
			state = shorten(response, state, used, &data);
		*grant = at + data;
		if (state != RESPONSE_MORE || line == LINE_PART ||
		    data > n - at)
			return state;
		at += (size_t)data;
	}
}

bool
response_last(const struct response *response)
{
	const struct framing *framing = &response->framing;

	if (response->odd || response->coded.odd)
		return true;
	if (framing->close || framing->trailed)
		return true;
	return (response->http10 || response->to.http10) &&
	    !framing->keep_alive;
}

bool
response_final(const struct response *response)
{
	return response->final;
}

bool
response_wary(const struct response *response)
{
	const struct lenient *lenient = &response->lenient;

	return lenient->status / 100 == 1 || lenient->torn ||
	    lenient->chunked || lenient->length != LENIENT_NONE;
}

bool
response_doubtful(const struct response *response)
{
	const unsigned status = response->lenient.status;

	return (response->odd || response->coded.odd) && !response->to.head &&
	    status != STATUS_NO_CONTENT && status != STATUS_NOT_MODIFIED;
}

bool
response_begun(const struct response *response)
{
	return response->begun;
}
