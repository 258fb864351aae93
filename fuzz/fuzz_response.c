/* SPDX-License-Identifier: ISC */
/*
 * response_read(): a response comes to the same end, with the same sum of
 * grants, in whatever pieces it is delivered.  An end behind which another
 * response may follow is where a trusting reader finds it; any end, or that
 * there is none, is what a reader of everything in memory finds leniently.  The
 * first byte of the input says what was asked.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../src/parser/response.h"

int	LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

struct outcome {
	enum response_state	state;
	uint64_t		total;
	bool			last;
	bool			final;
};

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* Hands the response over, window bytes more at a time. */
static struct outcome
deliver(const struct response_to *to, const uint8_t *bytes, size_t n,
    size_t window)
{
	struct response	response;
	struct outcome	outcome = { RESPONSE_MORE, 0, false, false };
	uint64_t	grant;
	size_t		seen = 0, more;

	response_begin(&response, to);
	while (seen < n && outcome.state == RESPONSE_MORE) {
		seen = n - seen < window ? n : seen + window;
		if (outcome.total > seen)
			continue;
		more = seen - (size_t)outcome.total;
		outcome.state = response_read(&response,
		    bytes + outcome.total, more, &grant);
		must(outcome.state != RESPONSE_MORE || grant >= more);
		must(grant <= more + (uint64_t)INT64_MAX);
		outcome.total += grant;
	}
	must(response_begun(&response) == (n > 0));
	outcome.final = response_final(&response);
	outcome.last = outcome.state == RESPONSE_END &&
	    response_last(&response);
	return outcome;
}

/* The place behind the next CRLF. */
static size_t
behind_line(const uint8_t *bytes, size_t n, size_t at)
{
	while (n - at > 2 && memcmp(bytes + at, "\r\n", 2) != 0)
		at++;
	must(n - at >= 2 && memcmp(bytes + at, "\r\n", 2) == 0);
	return at + 2;
}

/* The place behind the chunk at the start, or behind its line if it is 0. */
static size_t
behind_chunk(const uint8_t *bytes, size_t n, size_t at, size_t *size)
{
	char	digits[18] = "";
	size_t	start = at;

	at = behind_line(bytes, n, at);
	memcpy(digits, bytes + start, at - start < 17 ? at - start : 17);
	*size = (size_t)strtoull(digits, NULL, 16);
	if (*size == 0)
		return at;
	must(*size <= n - at);
	at += *size;
	must(n - at >= 2 && memcmp(bytes + at, "\r\n", 2) == 0);
	return at + 2;
}

static bool
line_starts(const uint8_t *line, const char *text)
{
	return strncasecmp((const char *)line, text, strlen(text)) == 0;
}

struct plain {
	size_t		at;		/* behind the head */
	unsigned	status;
	uint64_t	length;
	bool		chunked;
};

/* Reads one head; text is the same bytes with a NUL behind them. */
static void
head_plainly(struct plain *plain, const uint8_t *text, size_t n)
{
	size_t start = plain->at;

	plain->chunked = false;
	plain->length = 0;
	must(n - start >= 12);
	plain->status = (unsigned)strtoul((const char *)text + start + 9,
	    NULL, 10);
	do {
		start = plain->at;
		plain->at = behind_line(text, n, start);
		if (line_starts(text + start, "content-length:"))
			plain->length = strtoull((const char *)text + start +
			    15, NULL, 10);
		if (line_starts(text + start, "transfer-encoding:"))
			plain->chunked = true;
	} while (plain->at - start > 2);
}

/* A simple reader, which a response with an end must lead there. */
static uint64_t
read_plainly(const struct response_to *to, const uint8_t *text, size_t n)
{
	struct plain	plain;
	size_t		size, start;

	memset(&plain, 0, sizeof(plain));
	do
		head_plainly(&plain, text, n);
	while (plain.status < 200);
	if (to->head || plain.status == 204 || plain.status == 304)
		return plain.at;
	if (!plain.chunked)
		return plain.at + plain.length;
	do
		plain.at = behind_chunk(text, n, plain.at, &size);
	while (size > 0);
	do {
		start = plain.at;
		plain.at = behind_line(text, n, start);
	} while (plain.at - start > 2);
	return plain.at;
}

/* What follows reads leniently.  Its text has a NUL behind it. */
struct wide {
	const uint8_t	*text;
	size_t		 n;
	size_t		 at;
	unsigned	 status;
	bool		 torn, chunked;
	uint64_t	 length;
};

enum { WIDE_NONE = -1 };	/* no end, as uint64_t */

static uint8_t
wide_byte(const struct wide *wide, size_t at)
{
	must(at < wide->n);
	return wide->text[at];
}

static bool
is_token(uint8_t c)
{
	return octet_run(&c, 1, OCTET_TOKEN) == 1;
}

/* Passes the head's or the trailers' lines, of which one begins there. */
static void
wide_lines(struct wide *wide)
{
	uint8_t c;

	while ((c = wide_byte(wide, wide->at)) != '\n' && c != '\r') {
		while (wide_byte(wide, wide->at) != '\n')
			wide->at++;
		wide->at++;
	}
	wide->at++;
	if (c == '\r' && wide_byte(wide, wide->at++) != '\n')
		wide->torn = true;
}

/* The numbers from there to there. */
static void
wide_numbers(struct wide *wide, size_t from, size_t to)
{
	uint64_t	number;
	uint8_t		before;
	size_t		i;

	for (i = from; i < to; i++) {
		before = wide->text[i - 1];
		if (!octet_digit(wide->text[i]) || (is_token(before) &&
		    before != '+' && before != '-'))
			continue;
		/* ULLONG_MAX is what does not fit, too. */
		number = strtoull((const char *)wide->text + i, NULL, 10);
		if (number <= INT64_MAX && number < wide->length)
			wide->length = number;
	}
}

static void
wide_coding(struct wide *wide, size_t from, size_t to)
{
	for (; to - from >= 7; from++) {
		if (line_starts(wide->text + from, "chunked"))
			wide->chunked = true;
	}
}

/* Whether the name before the colon is that, without what is no token. */
static bool
wide_named(const struct wide *wide, size_t from, size_t colon, const char *name)
{
	for (; from < colon; from++) {
		if (!is_token(wide->text[from]))
			continue;
		if (octet_fold(wide->text[from]) != (uint8_t)*name++)
			return false;
		if (*name == '\0')
			break;
	}
	for (from++; from < colon; from++) {
		if (is_token(wide->text[from]))
			return false;
	}
	return *name == '\0';
}

/* The fields in what stands there, cut at each CR and LF. */
static void
wide_fields(struct wide *wide, size_t from, size_t end)
{
	bool	length = false, coding = false;
	size_t	to, colon;

	for (; from < end; from = to + 1) {
		for (to = from; to < end && wide->text[to] != '\r' &&
		    wide->text[to] != '\n'; to++)
			;
		if (to == from)
			continue;
		for (colon = from; colon < to && wide->text[colon] != ':';
		    colon++)
			;
		if (wide->text[from - 1] == '\n' && wide->text[from] != ' ' &&
		    wide->text[from] != '\t')
			length = coding = false;
		if (length)
			wide_numbers(wide, from, to);
		if (coding)
			wide_coding(wide, from, to);
		if (colon == to)
			continue;
		length |= wide_named(wide, from, colon, "content-length");
		coding |= wide_named(wide, from, colon, "transfer-encoding");
		if (length)
			wide_numbers(wide, colon + 1, to);
		if (coding)
			wide_coding(wide, colon + 1, to);
	}
}

/* False if it is no head. */
static bool
wide_head(struct wide *wide)
{
	size_t start, digits;

	while (wide_byte(wide, wide->at) != '\0' &&
	    strchr(" \t\r\n", wide->text[wide->at]) != NULL)
		wide->at++;
	start = wide->at;
	if (octet_fold(wide->text[start]) < 'a' ||
	    octet_fold(wide->text[start]) > 'z')
		return false;
	while (strchr(" \t\r\n", wide_byte(wide, wide->at)) == NULL ||
	    wide->text[wide->at] == '\0')
		if (wide->at++ - start == 17)
			return false;
	if (wide->text[wide->at] == '\r' || wide->text[wide->at] == '\n')
		return false;
	while (wide_byte(wide, wide->at) == ' ' || wide->text[wide->at] == '\t')
		wide->at++;
	wide->status = 0;
	for (digits = 0; octet_digit(wide_byte(wide, wide->at)); digits++) {
		if (digits < 3)
			wide->status = wide->status * 10 +
			    wide->text[wide->at] - '0';
		wide->at++;
	}
	if (digits == 0)
		return false;
	wide->torn = digits != 3;
	start = wide->at;
	while (wide_byte(wide, wide->at++) != '\n')
		;
	wide_lines(wide);
	while (wide->text[start] != '\r' && wide->text[start] != '\n')
		start++;
	wide_fields(wide, start, wide->at);
	return true;
}

/*
 * The place behind the line of a size, 0 for none: it cannot be read on behind
 * wide->at.
 */
static bool
wide_size(struct wide *wide, uint64_t *size)
{
	size_t	start = wide->at;
	uint8_t	c;

	*size = 0;
	while (octet_hex(c = wide_byte(wide, wide->at++)) != -1) {
		if (*size > INT64_MAX >> 4)
			return false;
		*size = *size * 16 + (uint64_t)octet_hex(c);
	}
	if (wide->at == start + 1)
		return false;
	while (c == ' ' || c == '\t')
		c = wide_byte(wide, wide->at++);
	if (c == ';') {
		do
			c = wide_byte(wide, wide->at++);
		while (c != '\r' && c != '\n');
		if (c == '\n')
			return false;
	}
	return c == '\n' ||
	    (c == '\r' && wide_byte(wide, wide->at++) == '\n');
}

/* The end of the chunks, or the place where they cannot be read on. */
static uint64_t
wide_chunks(struct wide *wide)
{
	uint64_t	size;
	uint8_t		c;

	while (wide_size(wide, &size)) {
		if (size == 0) {
			wide_lines(wide);
			break;
		}
		must(size < wide->n - wide->at);
		wide->at += (size_t)size;
		c = wide_byte(wide, wide->at++);
		if (c != '\n' &&
		    (c != '\r' || wide_byte(wide, wide->at++) != '\n'))
			break;
	}
	return wide->at;
}

static uint64_t
read_widely(const struct response_to *to, const uint8_t *text, size_t n,
    uint64_t total)
{
	struct wide wide = { text, n, 0, 0, false, false, 0 };
	uint64_t    most;

	do {
		wide.length = UINT64_MAX;
		wide.chunked = false;
		if (!wide_head(&wide))
			return (uint64_t)WIDE_NONE;
		if (wide.torn || wide.status == 101 ||
		    wide.status / 100 != 1)
			break;
	} while (!to->head && !wide.chunked && wide.length == UINT64_MAX);
	if (wide.torn || wide.status == 101 || wide.status == 204 ||
	    wide.status == 304 || (to->head && wide.status / 100 != 1))
		return wide.at;
	if (wide.status / 100 == 1 ||
	    (!wide.chunked && wide.length == UINT64_MAX))
		return (uint64_t)WIDE_NONE;
	if (wide.length <= total && wide.at + wide.length == total)
		return total;	/* its chunks need not be there */
	if (!wide.chunked)
		return wide.at + wide.length;
	most = wide.at;
	most = wide.length > UINT64_MAX - most ? UINT64_MAX :
	    most + wide.length;
	(void)wide_chunks(&wide);
	return wide.at < most ? wide.at : most;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const size_t	windows[] = { 1, 2, 3, 7, 64 };
	struct outcome		whole, other;
	struct response_to	to;
	uint8_t			*text;
	size_t			i;

	if (n == 0)
		return 0;
	to.head = (bytes[0] & 1) != 0;
	to.upgrade = (bytes[0] & 2) != 0;
	to.http10 = (bytes[0] & 4) != 0;
	n--;
	if ((text = malloc(n + 1)) == NULL)
		abort();
	memcpy(text, bytes + 1, n);
	text[n] = '\0';
	whole = deliver(&to, text, n, n + 1);
	for (i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		other = deliver(&to, text, n, windows[i]);
		must(other.state == whole.state && other.total == whole.total);
		must(other.last == whole.last && other.final == whole.final);
	}
	if (whole.state == RESPONSE_END && !whole.last)
		must(read_plainly(&to, text, n) == whole.total);
	if (whole.state == RESPONSE_END)
		must(read_widely(&to, text, n, whole.total) == whole.total);
	if (whole.state == RESPONSE_LAST)
		must(read_widely(&to, text, n, whole.total) ==
		    (uint64_t)WIDE_NONE);
	free(text);
	return 0;
}
