/* SPDX-License-Identifier: ISC */
/*
 * The walk along a chunked body.  Data is passed unseen, framing only when it
 * has been read: a byte of a size line, of the CRLF behind the data or of a
 * trailer that is not yet known to be legal stays where it is.
 */
#include "chunks.h"
#include "field.h"
#include "request.h"

enum {
	SIZE_LINE_MAX = 4096,	/* bytes with CRLF: a size and extensions,
				 * which no tenant is known to need */
	SIZE_DIGITS_MAX = 16,	/* 64 bits */
	TRAILERS_MAX = REQUEST_HEAD_MAX	/* bytes, the empty line included */
};

/* Where in a size line we are.  at is never beyond n. */
struct cursor {
	const uint8_t	*bytes;
	size_t		 n;
	size_t		 at;
};

/* LINE_WHOLE when the next byte is c, which is taken. */
static enum line_state
take(struct cursor *cursor, uint8_t c)
{
	if (cursor->at == cursor->n)
		return LINE_PART;
	if (cursor->bytes[cursor->at] != c)
		return LINE_BAD;
	cursor->at++;
	return LINE_WHOLE;
}

/* LINE_WHOLE when CRLF comes next, which is taken. */
static enum line_state
take_crlf(struct cursor *cursor)
{
	enum line_state state;

	state = take(cursor, '\r');
	return state == LINE_WHOLE ? take(cursor, '\n') : state;
}

static enum line_state
take_token(struct cursor *cursor)
{
	size_t len;

	len = octet_run(cursor->bytes + cursor->at, cursor->n - cursor->at,
	    OCTET_TOKEN);
	cursor->at += len;
	if (cursor->at == cursor->n)
		return LINE_PART;
	return len == 0 ? LINE_BAD : LINE_WHOLE;
}

/* A quoted-string (RFC 9110 section 5.6.4) whose first quote is taken. */
static enum line_state
take_quoted(struct cursor *cursor)
{
	bool	escaped = false;
	uint8_t c;

	for (; cursor->at < cursor->n; cursor->at++) {
		c = cursor->bytes[cursor->at];
		if (octet_run(&c, 1, OCTET_VALUE) == 0)
			return LINE_BAD;
		if (!escaped && c == '"') {
			cursor->at++;
			return LINE_WHOLE;
		}
		escaped = !escaped && c == '\\';
	}
	return LINE_PART;
}

static void
skip_blanks(struct cursor *cursor)
{
	while (cursor->at < cursor->n && (cursor->bytes[cursor->at] == ' ' ||
	    cursor->bytes[cursor->at] == '\t'))
		cursor->at++;
}

/*
 * One extension behind its semicolon: BWS name [BWS "=" BWS value].  Blanks
 * behind a name without a value are put back, for the caller to judge.
 */
static enum line_state
take_extension(struct cursor *cursor)
{
	enum line_state	state;
	size_t		name_end;

	skip_blanks(cursor);
	if ((state = take_token(cursor)) != LINE_WHOLE)
		return state;
	name_end = cursor->at;
	skip_blanks(cursor);
	if ((state = take(cursor, '=')) == LINE_PART)
		return state;
	if (state == LINE_BAD) {
		cursor->at = name_end;
		return LINE_WHOLE;
	}
	skip_blanks(cursor);
	state = take(cursor, '"');
	if (state == LINE_WHOLE)
		return take_quoted(cursor);
	return state == LINE_PART ? state : take_token(cursor);
}

/*
 * The extensions and the CRLF.  Blanks are legal before a semicolon only; a
 * size padded with them is not (RFC 9112 section 7.1.1), nor is an extension
 * without a name, which some read as the end of the line.
 */
static enum line_state
take_extensions(struct cursor *cursor)
{
	enum line_state	state;
	size_t		before;

	for (;;) {
		before = cursor->at;
		skip_blanks(cursor);
		state = take(cursor, ';');
		if (state == LINE_PART)
			return state;
		if (state == LINE_BAD && cursor->at > before)
			return state;
		if (state == LINE_BAD)
			return take_crlf(cursor);
		if ((state = take_extension(cursor)) != LINE_WHOLE)
			return state;
	}
}

static enum line_state
take_size(struct cursor *cursor, uint64_t *size)
{
	unsigned	digits;
	int		digit;

	*size = 0;
	for (digits = 0; cursor->at < cursor->n; digits++, cursor->at++) {
		digit = octet_hex(cursor->bytes[cursor->at]);
		if (digit == -1)
			return digits == 0 ? LINE_BAD : LINE_WHOLE;
		if (digits == SIZE_DIGITS_MAX || *size > INT64_MAX >> 4)
			return LINE_BAD;
		*size = *size << 4 | (uint64_t)digit;
	}
	return LINE_PART;
}

/* Reads a size line: chunk-size [chunk-ext] CRLF, *line bytes of it. */
static enum line_state
size_line(const uint8_t *bytes, size_t n, size_t *line, uint64_t *size)
{
	struct cursor	cursor = { bytes, n, 0 };
	enum line_state	state;

	if (cursor.n > SIZE_LINE_MAX)
		cursor.n = SIZE_LINE_MAX;
	state = take_size(&cursor, size);
	if (state == LINE_WHOLE)
		state = take_extensions(&cursor);
	if (state == LINE_PART && cursor.n == SIZE_LINE_MAX)
		return LINE_BAD;
	*line = cursor.at;
	return state;
}

/* Reads one trailer line, or the empty line that ends the message. */
static enum line_state
trailer_line(struct chunks *chunks, const uint8_t *bytes, size_t n,
    size_t *line)
{
	struct field	field;
	enum line_state	state;
	size_t		room = TRAILERS_MAX - chunks->trailer_bytes;

	state = field_read(&field, bytes, n < room ? n : room);
	if (state == LINE_PART && n >= room)
		return LINE_BAD;
	if (state == LINE_EMPTY)
		*line = 2;
	if (state != LINE_WHOLE)
		return state;
	if (chunks->fields == REQUEST_FIELDS_MAX)
		return LINE_BAD;
	/* What frames or routes a message must not come after it. */
	if (span_is(&field.name, "content-length") ||
	    span_is(&field.name, "transfer-encoding") ||
	    span_is(&field.name, "host"))
		return LINE_BAD;
	*line = field.line;
	chunks->fields++;
	chunks->trailer_bytes += field.line;
	return LINE_WHOLE;
}

/*
 * Reads what is due at the start of the n bytes: *line bytes of framing and
 * *data bytes of data behind them.  LINE_EMPTY: the message ends with this
 * line.
 */
static enum line_state
piece_read(struct chunks *chunks, const uint8_t *bytes, size_t n,
    size_t *line, uint64_t *data)
{
	struct cursor	cursor = { bytes, n, 0 };
	enum line_state	state;

	*data = 0;
	switch (chunks->due) {
	case DUE_SIZE:
		state = size_line(bytes, n, line, data);
		if (state == LINE_WHOLE)
			chunks->due = *data == 0 ? DUE_TRAILER : DUE_CRLF;
		return state;
	case DUE_CRLF:
		state = take_crlf(&cursor);
		*line = cursor.at;
		if (state == LINE_WHOLE)
			chunks->due = DUE_SIZE;
		return state;
	case DUE_TRAILER:
		return trailer_line(chunks, bytes, n, line);
	}
	return LINE_BAD;
}

enum chunks_state
chunks_walk(struct chunks *chunks, const uint8_t *bytes, size_t n,
    uint64_t *grant)
{
	size_t		at = 0, line = 0;
	uint64_t	data = 0;

	*grant = 0;
	for (;;) {
		switch (piece_read(chunks, bytes + at, n - at, &line, &data)) {
		case LINE_PART:
			*grant = at;
			return at == 0 ? CHUNKS_PART : CHUNKS_GRANT;
		case LINE_BAD:
			return CHUNKS_BAD;
		case LINE_EMPTY:
			*grant = at + line;
			return CHUNKS_END;
		case LINE_WHOLE:
			break;
		}
		at += line;
		if (data >= n - at) {
			*grant = at + data;
			return CHUNKS_GRANT;
		}
		at += (size_t)data;
	}
}
