/* SPDX-License-Identifier: ISC */
/*
 * Reads responses to find their ends.  A tenant that makes its client and this
 * reader see different ends could put bytes of its own before the answer of
 * another tenant: in doubt there is no end, and no other exchange follows.
 */
#include <string.h>

#include "response.h"

enum {
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
}

/* There is no end that every client sees. */
static enum response_state
unframed(struct response *response)
{
	response->final = true;
	return response->status == STATUS_SWITCHING && response->to.upgrade ?
	    RESPONSE_TUNNEL : RESPONSE_LAST;
}

/*
 * The head is over: *data bytes come behind it, or chunks, or another head.
 * Both lengths can be read in two ways, as can a coding in HTTP/1.0, which
 * knows none (RFC 9112 section 6.1).
 */
static enum response_state
head_judge(struct response *response, uint64_t *data)
{
	const struct framing	*framing = &response->framing;
	bool			 measured = framing->measured;
	bool			 chunked = framing->chunked;
	bool			 http10 = response->http10 ||
				    response->to.http10;

	if (response->status == STATUS_SWITCHING)
		return unframed(response);
	if (chunked && (measured || response->http10))
		return unframed(response);
	if (response->status < STATUS_FINAL) {
		if (chunked || measured || http10 || response->to.head)
			return unframed(response);
		head_begin(response);
		return RESPONSE_MORE;
	}
	if (response->to.head || response->status == STATUS_NO_CONTENT ||
	    response->status == STATUS_NOT_MODIFIED)
		return RESPONSE_END;
	if (measured) {
		*data = framing->length;
		return RESPONSE_END;
	}
	if (!chunked || http10)
		return unframed(response);
	response->part = RESPONSE_CHUNKS;
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
	return RESPONSE_MORE;
}

/* A part is read: what becomes of it, and how much data comes next? */
static enum response_state
part_judge(struct response *response, enum line_state line, uint64_t *data)
{
	*data = 0;
	if (line == LINE_BAD)
		return unframed(response);
	switch (response->part) {
	case RESPONSE_STATUS:
	case RESPONSE_REASON:
	case RESPONSE_LF:
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

static enum line_state
part_read(struct response *response, const uint8_t *bytes, size_t n,
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
		return coded_read(&response->coded, bytes, n, used);
	}
	*used = 0;
	return LINE_BAD;
}

void
response_begin(struct response *response, const struct response_to *to)
{
	memset(response, 0, sizeof(*response));
	response->to = *to;
	head_begin(response);
}

enum response_state
response_read(struct response *response, const uint8_t *bytes, size_t n,
    uint64_t *grant)
{
	enum response_state	state;
	enum line_state		line;
	uint64_t		data = 0;
	size_t			at = 0, used;

	if (n > 0)
		response->begun = true;
	do {
		line = part_read(response, bytes + at, n - at, &used);
		at += used;
		*grant = at;
		if (line == LINE_PART)
			return RESPONSE_MORE;
		state = part_judge(response, line, &data);
		*grant = at + data;
		if (data > n - at)
			return state;
		at += (size_t)data;
	} while (state == RESPONSE_MORE);
	return state;
}

bool
response_last(const struct response *response)
{
	const struct framing *framing = &response->framing;

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
response_begun(const struct response *response)
{
	return response->begun;
}
