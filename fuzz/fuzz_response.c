/* SPDX-License-Identifier: ISC */
/*
 * response_read(): a response comes to the same end, with the same sum of
 * grants, in whatever pieces it is delivered, and an end that it has is where
 * a reader of its own below finds it.  The first byte of the input says what
 * was asked.
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
	if (whole.state == RESPONSE_END)
		must(read_plainly(&to, text, n) == whole.total);
	free(text);
	return 0;
}
