/* SPDX-License-Identifier: ISC */
/*
 * Heads of responses that have left the strict grammar.  Clients refuse such a
 * head, or find one of several ends in it: what is found here is no later than
 * what any of them finds.
 */
#include <string.h>

#include "lenient.h"

enum {
	FIELD_LENGTH = 1,	/* a set, in the order of names[] */
	FIELD_CODING = 2,
	STATUS_DIGITS = 3,
	PROTOCOL_MAX = 16,	/* HTTP/1.1, with room */
	UNMATCHED = UINT8_MAX
};

static const char names[2][sizeof("transfer-encoding")] = {
	"content-length", "transfer-encoding"
};
static const char chunked[] = "chunked";

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* A sign is a part of a token, and stands before a number. */
static bool
separates(uint8_t c)
{
	return c == '+' || c == '-' || octet_run(&c, 1, OCTET_TOKEN) == 0;
}

static void
number_digit(struct lenient *lenient, unsigned digit)
{
	if (lenient->state == LENIENT_WORD)
		return;
	if (lenient->state == LENIENT_BEGINS)
		lenient->number = 0;
	lenient->state = LENIENT_DIGITS;
	if (lenient->number > ((uint64_t)INT64_MAX - digit) / 10)
		lenient->number = LENIENT_NONE;	/* and stays it */
	else
		lenient->number = lenient->number * 10 + digit;
}

static void
length_byte(struct lenient *lenient, uint8_t c)
{
	if (octet_digit(c)) {
		number_digit(lenient, (unsigned)(c - '0'));
		return;
	}
	if (lenient->state == LENIENT_DIGITS &&
	    lenient->number < lenient->length)
		lenient->length = lenient->number;
	lenient->state = separates(c) ? LENIENT_BEGINS : LENIENT_WORD;
}

/* Its first letter is in it once: there is but one place to begin again. */
static void
coding_byte(struct lenient *lenient, uint8_t c)
{
	uint8_t folded = octet_fold(c);

	if (folded != (uint8_t)chunked[lenient->word])
		lenient->word = 0;
	if (folded == (uint8_t)chunked[lenient->word])
		lenient->word++;
	if (chunked[lenient->word] != '\0')
		return;
	lenient->chunked = true;
	lenient->word = 0;
}

/* A byte of what may be a value, line ends in it or behind it too. */
static void
value_byte(struct lenient *lenient, uint8_t c)
{
	if ((lenient->fields & FIELD_LENGTH) != 0)
		length_byte(lenient, c);
	if ((lenient->fields & FIELD_CODING) != 0)
		coding_byte(lenient, c);
}

/* The colon. */
static void
name_end(struct lenient *lenient)
{
	unsigned i;

	for (i = 0; i < 2; i++) {
		if (lenient->matched[i] != UNMATCHED &&
		    names[i][lenient->matched[i]] == '\0')
			lenient->fields |= (uint8_t)(1U << i);
	}
	lenient->place = LENIENT_VALUE;
	lenient->state = LENIENT_BEGINS;
	lenient->word = 0;
}

static void
name_byte(struct lenient *lenient, uint8_t c)
{
	unsigned	i, left = 0;
	uint8_t		folded = octet_fold(c);

	if (c == ':') {
		name_end(lenient);
		return;
	}
	if (octet_run(&c, 1, OCTET_TOKEN) == 0)
		return;
	for (i = 0; i < 2; i++) {
		if (lenient->matched[i] == UNMATCHED)
			continue;
		if ((uint8_t)names[i][lenient->matched[i]] == folded)
			lenient->matched[i]++;
		else
			lenient->matched[i] = UNMATCHED;
		left += lenient->matched[i] != UNMATCHED;
	}
	if (left == 0)
		lenient->place = LENIENT_VALUE;
}

/* The first byte of a line, after LF or after a CR alone. */
static void
line_begin(struct lenient *lenient, uint8_t c)
{
	if (lenient->place == LENIENT_LINE && !is_blank(c))
		lenient->fields = 0;
	lenient->place = LENIENT_NAME;
	memset(lenient->matched, 0, sizeof(lenient->matched));
	value_byte(lenient, c);
	name_byte(lenient, c);
}

/* CR or LF, in a line or behind its CR. */
static enum line_state
line_end(struct lenient *lenient, uint8_t c)
{
	value_byte(lenient, c);
	lenient->place = c == '\n' ? LENIENT_LINE : LENIENT_CR;
	return LINE_PART;
}

static enum line_state
empty_line(struct lenient *lenient, uint8_t c)
{
	if (c == '\n')
		return LINE_EMPTY;
	if (lenient->place == LENIENT_EMPTY) {
		lenient->torn = true;
		return LINE_EMPTY;
	}
	lenient->place = LENIENT_EMPTY;
	return LINE_PART;
}

static enum line_state
status_end(struct lenient *lenient, uint8_t c)
{
	lenient->torn = lenient->run != STATUS_DIGITS;
	lenient->place = LENIENT_VALUE;
	return c == '\r' || c == '\n' ? line_end(lenient, c) : LINE_PART;
}

/* A byte of the status line up to its reason. */
static enum line_state
status_byte(struct lenient *lenient, uint8_t c)
{
	if (octet_digit(c)) {
		lenient->place = LENIENT_STATUS;
		if (lenient->run < STATUS_DIGITS)
			lenient->status = (uint16_t)(lenient->status * 10 +
			    c - '0');
		lenient->run += lenient->run <= STATUS_DIGITS;
		return LINE_PART;
	}
	if (lenient->place == LENIENT_STATUS)
		return status_end(lenient, c);
	return is_blank(c) ? LINE_PART : LINE_BAD;
}

static enum line_state
protocol_byte(struct lenient *lenient, uint8_t c)
{
	if (is_blank(c)) {
		lenient->place = LENIENT_BLANKS;
		lenient->run = 0;
		return LINE_PART;
	}
	if (c == '\r' || c == '\n' || lenient->run++ == PROTOCOL_MAX)
		return LINE_BAD;
	return LINE_PART;
}

static enum line_state
first_byte(struct lenient *lenient, uint8_t c)
{
	uint8_t folded = octet_fold(c);

	if (is_blank(c) || c == '\r' || c == '\n')
		return LINE_PART;
	if (folded < 'a' || folded > 'z')
		return LINE_BAD;
	lenient->place = LENIENT_PROTOCOL;
	return LINE_PART;
}

/* A byte of a field line, or of the reason. */
static enum line_state
line_byte(struct lenient *lenient, uint8_t c)
{
	bool starts = lenient->place == LENIENT_LINE ||
	    lenient->place == LENIENT_EMPTY;

	if (lenient->place == LENIENT_EMPTY ||
	    (starts && (c == '\r' || c == '\n')))
		return empty_line(lenient, c);
	if (c == '\r' || c == '\n')
		return line_end(lenient, c);
	if (starts || lenient->place == LENIENT_CR) {
		line_begin(lenient, c);
		return LINE_PART;
	}
	value_byte(lenient, c);
	if (lenient->place == LENIENT_NAME)
		name_byte(lenient, c);
	return LINE_PART;
}

static enum line_state
byte_read(struct lenient *lenient, uint8_t c)
{
	switch (lenient->place) {
	case LENIENT_BEFORE:
		return first_byte(lenient, c);
	case LENIENT_PROTOCOL:
		return protocol_byte(lenient, c);
	case LENIENT_BLANKS:
	case LENIENT_STATUS:
		return status_byte(lenient, c);
	case LENIENT_LINE:
	case LENIENT_NAME:
	case LENIENT_VALUE:
	case LENIENT_CR:
	case LENIENT_EMPTY:
		return line_byte(lenient, c);
	}
	return LINE_BAD;
}

/* The number of bytes at the start that change nothing. */
static size_t
idle_run(const struct lenient *lenient, const uint8_t *bytes, size_t n)
{
	size_t i = 0;

	if (lenient->place != LENIENT_VALUE || lenient->fields != 0)
		return 0;
	while (i < n && bytes[i] != '\r' && bytes[i] != '\n')
		i++;
	return i;
}

void
lenient_begin(struct lenient *lenient)
{
	memset(lenient, 0, sizeof(*lenient));
	lenient->length = LENIENT_NONE;
	lenient->place = LENIENT_BEFORE;
}

void
lenient_trailers(struct lenient *lenient)
{
	lenient->fields = 0;
	lenient->place = LENIENT_LINE;
}

bool
lenient_final(const struct lenient *lenient)
{
	return lenient->place >= LENIENT_LINE &&
	    (lenient->torn || lenient->status / 100 != 1 ||
	    lenient->status == 101);
}

enum line_state
lenient_read(struct lenient *lenient, const uint8_t *bytes, size_t n,
    size_t *used)
{
	enum line_state	state = LINE_PART;
	size_t		i = 0;

	while (state == LINE_PART) {
		i += idle_run(lenient, bytes + i, n - i);
		if (i == n)
			break;
		state = byte_read(lenient, bytes[i++]);
	}
	*used = i;
	return state;
}
