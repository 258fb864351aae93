/* SPDX-License-Identifier: ISC */
/*
 * Chunks of a response, byte by byte.  chunks.c reads those of a request: it
 * lets no byte pass that it has not understood, so it needs whole lines.  Here
 * a byte may pass before the next one is known, since a response that breaks
 * the grammar passes all the same and is the last of its connection.
 */
#include <string.h>

#include "coded.h"

enum { DIGITS_MAX = 16 };	/* 64 bits; curl reads no more either */

static enum line_state
size_byte(struct coded *coded, uint8_t c)
{
	int digit = octet_hex(c);

	if (digit == -1)
		return LINE_BAD;
	if (coded->digits == DIGITS_MAX || coded->size > INT64_MAX >> 4)
		return LINE_BAD;
	coded->digits++;
	coded->size = coded->size << 4 | (uint64_t)digit;
	return LINE_PART;
}

/* What may stand behind a size, a name or a value. */
static enum line_state
piece_end(struct coded *coded, uint8_t c)
{
	if (c == ';')
		coded->place = CODED_NAME_BEGINS;
	else if (c == '\r')
		coded->place = CODED_LF;
	else
		return LINE_BAD;
	return LINE_PART;
}

/* A byte of a token; place is where its next one stands. */
static enum line_state
token_byte(struct coded *coded, uint8_t c, enum coded_place place)
{
	coded->place = place;
	return octet_run(&c, 1, OCTET_TOKEN) == 1 ? LINE_PART : LINE_BAD;
}

/* A byte of a quoted-string (RFC 9110 section 5.6.4) behind its first quote. */
static enum line_state
quoted_byte(struct coded *coded, uint8_t c)
{
	if (octet_run(&c, 1, OCTET_VALUE) == 0)
		return LINE_BAD;
	if (coded->place == CODED_ESCAPED)
		coded->place = CODED_QUOTED;
	else if (c == '\\')
		coded->place = CODED_ESCAPED;
	else if (c == '"')
		coded->place = CODED_CLOSED;
	return LINE_PART;
}

static enum line_state
value_begin(struct coded *coded, uint8_t c)
{
	if (c != '"')
		return token_byte(coded, c, CODED_VALUE);
	coded->place = CODED_QUOTED;
	return LINE_PART;
}

static enum line_state
line_end(struct coded *coded, uint8_t c)
{
	if (c != '\n')
		return LINE_BAD;
	coded->place = CODED_DATA_CR;
	return coded->size == 0 ? LINE_EMPTY : LINE_WHOLE;
}

static enum line_state
byte_read(struct coded *coded, uint8_t c)
{
	switch (coded->place) {
	case CODED_SIZE:
		return coded->digits > 0 && octet_hex(c) == -1 ?
		    piece_end(coded, c) : size_byte(coded, c);
	case CODED_NAME_BEGINS:
		return token_byte(coded, c, CODED_NAME);
	case CODED_NAME:
		if (octet_run(&c, 1, OCTET_TOKEN) == 1)
			return LINE_PART;
		if (c != '=')
			return piece_end(coded, c);
		coded->place = CODED_VALUE_BEGINS;
		return LINE_PART;
	case CODED_VALUE_BEGINS:
		return value_begin(coded, c);
	case CODED_VALUE:
		return octet_run(&c, 1, OCTET_TOKEN) == 1 ?
		    LINE_PART : piece_end(coded, c);
	case CODED_QUOTED:
	case CODED_ESCAPED:
		return quoted_byte(coded, c);
	case CODED_CLOSED:
		return piece_end(coded, c);
	case CODED_LF:
		return line_end(coded, c);
	case CODED_DATA_CR:
		coded->place = CODED_DATA_LF;
		return c == '\r' ? LINE_PART : LINE_BAD;
	case CODED_DATA_LF:
		coded_begin(coded);
		return c == '\n' ? LINE_PART : LINE_BAD;
	}
	return LINE_BAD;
}

void
coded_begin(struct coded *coded)
{
	memset(coded, 0, sizeof(*coded));
	coded->place = CODED_SIZE;
}

enum line_state
coded_read(struct coded *coded, const uint8_t *bytes, size_t n, size_t *used)
{
	enum line_state	state = LINE_PART;
	size_t		i;

	for (i = 0; i < n && state == LINE_PART; i++)
		state = byte_read(coded, bytes[i]);
	*used = i;
	return state;
}
