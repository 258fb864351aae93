/* SPDX-License-Identifier: ISC */
/*
 * Chunks of a response, byte by byte.  chunks.c reads those of a request: it
 * lets no byte pass that it has not understood, so it needs whole lines.  Here
 * a byte may pass before the next one is known, since a response that breaks
 * the grammar is no danger but for what would follow on its connection.
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
	if (coded->size > INT64_MAX >> 4)
		return LINE_BAD;
	if (coded->digits == DIGITS_MAX)
		coded->odd = true;
	else
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

static void
chunk_begin(struct coded *coded)
{
	coded->place = CODED_SIZE;
	coded->size = 0;
	coded->digits = 0;
}

/* A byte as the grammar has it. */
static enum line_state
grammar_byte(struct coded *coded, uint8_t c)
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
	case CODED_BLANKS:
	case CODED_SKIPPED:
		return LINE_BAD;
	case CODED_LF:
		return line_end(coded, c);
	case CODED_DATA_CR:
		coded->place = CODED_DATA_LF;
		return c == '\r' ? LINE_PART : LINE_BAD;
	case CODED_DATA_LF:
		chunk_begin(coded);
		return c == '\n' ? LINE_PART : LINE_BAD;
	}
	return LINE_BAD;
}

/* Behind a size. */
static enum line_state
odd_size(struct coded *coded, uint8_t c)
{
	if (c == '\n')
		return line_end(coded, c);
	if (c != ' ' && c != '\t')
		return piece_end(coded, c);
	coded->place = CODED_BLANKS;
	return LINE_PART;
}

/* In an extension, where Java 17 takes LF alone for a part of it. */
static enum line_state
odd_extension(struct coded *coded, uint8_t c)
{
	if (c == '\n')
		return LINE_BAD;
	coded->place = c == '\r' ? CODED_LF : CODED_SKIPPED;
	return LINE_PART;
}

/* A byte that breaks the grammar in this place. */
static enum line_state
odd_byte(struct coded *coded, enum coded_place place, uint8_t c)
{
	coded->odd = true;
	switch (place) {
	case CODED_SIZE:
		return coded->digits > 0 && octet_hex(c) == -1 ?
		    odd_size(coded, c) : LINE_BAD;
	case CODED_BLANKS:
		return odd_size(coded, c);
	case CODED_NAME_BEGINS:
	case CODED_NAME:
	case CODED_VALUE_BEGINS:
	case CODED_VALUE:
	case CODED_QUOTED:
	case CODED_ESCAPED:
	case CODED_CLOSED:
	case CODED_SKIPPED:
		return odd_extension(coded, c);
	case CODED_DATA_CR:
		chunk_begin(coded);
		return c == '\n' ? LINE_PART : LINE_BAD;
	case CODED_LF:
	case CODED_DATA_LF:
		return LINE_BAD;
	}
	return LINE_BAD;
}

static enum line_state
byte_read(struct coded *coded, uint8_t c)
{
	enum coded_place	place = coded->place;
	enum line_state		state = grammar_byte(coded, c);

	return state == LINE_BAD ? odd_byte(coded, place, c) : state;
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
