/* SPDX-License-Identifier: ISC */
/*
 * Field lines of a response, byte by byte.  What is not in its plainest form
 * is refused, because some client reads it differently from some other:
 * lenient.c then says what any of them may see, and the response is the last
 * one of its connection.
 */
#include <string.h>

#include "framing.h"

/* The words that matter, as numbers and as bits of a set. */
enum word {
	WORD_LENGTH,
	WORD_CODING,
	WORD_CONNECTION,
	WORD_CHUNKED,
	WORD_CLOSE,
	WORD_KEEP_ALIVE,
	WORD_NONE
};

enum {
	NAMES = 1 << WORD_LENGTH | 1 << WORD_CODING | 1 << WORD_CONNECTION,
	CODINGS = 1 << WORD_CHUNKED,
	OPTIONS = 1 << WORD_CLOSE | 1 << WORD_KEEP_ALIVE
};

static const char words[WORD_NONE][sizeof("transfer-encoding")] = {
	[WORD_LENGTH] = "content-length",
	[WORD_CODING] = "transfer-encoding",
	[WORD_CONNECTION] = "connection",
	[WORD_CHUNKED] = "chunked",
	[WORD_CLOSE] = "close",
	[WORD_KEEP_ALIVE] = "keep-alive"
};

static void
word_begin(struct framing *framing, unsigned set)
{
	framing->possible = (uint8_t)set;
	framing->matched = 0;
}

static void
word_byte(struct framing *framing, uint8_t c)
{
	unsigned	i, left = framing->possible;
	uint8_t		folded = octet_fold(c);

	for (i = 0; left >> i != 0; i++) {
		if ((left & 1U << i) != 0 &&
		    (uint8_t)words[i][framing->matched] != folded)
			left &= ~(1U << i);
	}
	framing->possible = (uint8_t)left;
	if (left != 0)
		framing->matched++;
}

/* Which word the bytes since word_begin() are. */
static enum word
word_end(const struct framing *framing)
{
	unsigned i;

	for (i = 0; framing->possible >> i != 0; i++) {
		if ((framing->possible & 1U << i) != 0 &&
		    words[i][framing->matched] == '\0')
			return (enum word)i;
	}
	return WORD_NONE;
}

static enum line_state
length_byte(struct framing *framing, uint8_t c)
{
	unsigned digit;

	if (!octet_digit(c))
		return LINE_BAD;
	digit = (unsigned)(c - '0');
	if (framing->length > ((uint64_t)INT64_MAX - digit) / 10)
		return LINE_BAD;
	framing->length = framing->length * 10 + digit;
	return LINE_PART;
}

/* An element of a value that frames begins. */
static enum line_state
element_begin(struct framing *framing)
{
	framing->place = FRAMING_IN;
	if (framing->field == WORD_CONNECTION) {
		word_begin(framing, OPTIONS);
		return LINE_PART;
	}
	if (framing->field == WORD_CODING) {
		word_begin(framing, CODINGS);
		return framing->chunked ? LINE_BAD : LINE_PART;
	}
	if (framing->measured)
		return LINE_BAD;
	framing->measured = true;
	framing->length = 0;
	return LINE_PART;
}

static enum line_state
element_byte(struct framing *framing, uint8_t c)
{
	if (framing->field == WORD_LENGTH)
		return length_byte(framing, c);
	if (octet_run(&c, 1, OCTET_TOKEN) == 0)
		return LINE_BAD;
	word_byte(framing, c);
	return LINE_PART;
}

static enum line_state
element_end(struct framing *framing)
{
	enum word word;

	framing->place = FRAMING_BEHIND;
	if (framing->field == WORD_LENGTH)
		return LINE_PART;
	word = word_end(framing);
	if (word == WORD_CHUNKED)
		framing->chunked = true;
	if (word == WORD_CLOSE)
		framing->close = true;
	if (word == WORD_KEEP_ALIVE)
		framing->keep_alive = true;
	return framing->field == WORD_CODING && word == WORD_NONE ?
	    LINE_BAD : LINE_PART;
}

/* CR, behind a value that frames.  Only a list may be empty. */
static enum line_state
value_end(struct framing *framing)
{
	bool empty = framing->place == FRAMING_BEFORE;

	if (framing->place == FRAMING_IN && element_end(framing) == LINE_BAD)
		return LINE_BAD;
	framing->place = FRAMING_LF;
	return empty && framing->field != WORD_CONNECTION ?
	    LINE_BAD : LINE_PART;
}

/* A byte of a value that frames. */
static enum line_state
value_byte(struct framing *framing, uint8_t c)
{
	if (c == '\r')
		return value_end(framing);
	if (framing->value++ == FRAMING_VALUE_MAX)
		return LINE_BAD;
	if (c == ' ' || (c == ',' && framing->field == WORD_CONNECTION)) {
		if (framing->place == FRAMING_IN &&
		    element_end(framing) == LINE_BAD)
			return LINE_BAD;
		if (c == ',')
			framing->place = FRAMING_BEFORE;
		return LINE_PART;
	}
	if (framing->place == FRAMING_BEHIND)
		return LINE_BAD;
	if (framing->place == FRAMING_BEFORE &&
	    element_begin(framing) == LINE_BAD)
		return LINE_BAD;
	return element_byte(framing, c);
}

/* A byte of a name that is not its first, or the colon. */
static enum line_state
name_byte(struct framing *framing, uint8_t c)
{
	if (octet_run(&c, 1, OCTET_TOKEN) == 1) {
		word_byte(framing, c);
		return LINE_PART;
	}
	if (c != ':')
		return LINE_BAD;
	framing->field = (uint8_t)word_end(framing);
	framing->value = 0;
	framing->place = framing->field == WORD_NONE ?
	    FRAMING_OTHER : FRAMING_BEFORE;
	/* What frames a message must not come after it. */
	return framing->trailer && framing->field != WORD_NONE ?
	    LINE_BAD : LINE_PART;
}

static enum line_state
line_begin(struct framing *framing, uint8_t c)
{
	if (c == '\r') {
		framing->place = FRAMING_END;
		return LINE_PART;
	}
	if (c == ':')
		return LINE_BAD;
	framing->trailed = framing->trailer;
	framing->place = FRAMING_NAME;
	word_begin(framing, NAMES);
	return name_byte(framing, c);
}

static enum line_state
byte_read(struct framing *framing, uint8_t c)
{
	switch (framing->place) {
	case FRAMING_LINE:
		return line_begin(framing, c);
	case FRAMING_NAME:
		return name_byte(framing, c);
	case FRAMING_BEFORE:
	case FRAMING_IN:
	case FRAMING_BEHIND:
		return value_byte(framing, c);
	case FRAMING_OTHER:
		framing->place = FRAMING_LF;
		return c == '\r' ? LINE_PART : LINE_BAD;
	case FRAMING_LF:
		framing->place = FRAMING_LINE;
		return c == '\n' ? LINE_PART : LINE_BAD;
	case FRAMING_END:
		return c == '\n' ? LINE_EMPTY : LINE_BAD;
	}
	return LINE_BAD;
}

/*
 * The number of bytes at the start that change nothing: a value that frames
 * nothing can be of any length, the rest of a name likewise.
 */
static size_t
idle_run(const struct framing *framing, const uint8_t *bytes, size_t n)
{
	if (framing->place == FRAMING_OTHER)
		return octet_run(bytes, n, OCTET_VALUE);
	if (framing->place == FRAMING_NAME && framing->possible == 0)
		return octet_run(bytes, n, OCTET_TOKEN);
	return 0;
}

void
framing_begin(struct framing *framing)
{
	memset(framing, 0, sizeof(*framing));
	framing->place = FRAMING_LINE;
}

void
framing_trailers(struct framing *framing)
{
	framing->trailer = true;
	framing->place = FRAMING_LINE;
}

enum line_state
framing_read(struct framing *framing, const uint8_t *bytes, size_t n,
    size_t *used)
{
	enum line_state	state = LINE_PART;
	size_t		i = 0;

	while (state == LINE_PART) {
		i += idle_run(framing, bytes + i, n - i);
		if (i == n)
			break;
		state = byte_read(framing, bytes[i++]);
	}
	*used = i;
	return state;
}
