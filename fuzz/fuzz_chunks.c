/* SPDX-License-Identifier: ISC */
/*
 * chunks_walk(): a body comes to the same end whatever the window through
 * which it is seen, and is framed as a reader of its own below frames it.
 */
#include <stdlib.h>
#include <string.h>

#include "../src/parser/chunks.h"
#include "../src/parser/request.h"

int	LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* Passes the body on, window bytes more at a time. */
static enum chunks_state
relay(const uint8_t *body, size_t n, size_t window, uint64_t *total)
{
	struct chunks		chunks;
	enum chunks_state	state;
	uint64_t		grant;
	size_t			seen = 0;

	memset(&chunks, 0, sizeof(chunks));
	for (*total = 0; *total <= n; *total += grant) {
		if (seen < *total)
			seen = (size_t)*total;
		state = chunks_walk(&chunks, body + *total, seen - *total,
		    &grant);
		must((grant > 0) == (state == CHUNKS_GRANT ||
		    state == CHUNKS_END));
		must(grant <= seen - *total + (uint64_t)INT64_MAX);
		must(chunks.fields <= REQUEST_FIELDS_MAX);
		must(chunks.trailer_bytes <= REQUEST_HEAD_MAX);
		if (state == CHUNKS_END)
			*total += grant;
		if (state == CHUNKS_END || state == CHUNKS_BAD)
			return state;
		if (state == CHUNKS_PART && seen == n)
			return CHUNKS_PART;
		if (state == CHUNKS_PART)
			seen = n - seen < window ? n : seen + window;
	}
	return CHUNKS_PART;
}

/* The place behind the next CRLF. */
static size_t
behind_line(const uint8_t *body, size_t n, size_t at)
{
	while (n - at > 2 && memcmp(body + at, "\r\n", 2) != 0)
		at++;
	must(n - at >= 2 && memcmp(body + at, "\r\n", 2) == 0);
	return at + 2;
}

/* A simple reader, which the bytes of a legal body must lead to its end. */
static size_t
read_plainly(const uint8_t *body, size_t n)
{
	char	digits[18] = "";
	size_t	at = 0, start, size;

	do {
		start = at;
		at = behind_line(body, n, at);
		memcpy(digits, body + start, at - start < 17 ?
		    at - start : 17);
		size = (size_t)strtoull(digits, NULL, 16);
		if (size == 0)
			break;
		must(size <= n - at);
		at += size;
		must(n - at >= 2 && memcmp(body + at, "\r\n", 2) == 0);
		at += 2;
		memset(digits, 0, sizeof(digits));
	} while (at < n);
	do {
		start = at;
		at = behind_line(body, n, at);
	} while (at - start > 2);
	return at;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const size_t	windows[] = { 1, 2, 3, 7, 64 };
	enum chunks_state	state;
	uint64_t		total, full;
	size_t			i;

	state = relay(bytes, n, n + 1, &full);
	for (i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		must(relay(bytes, n, windows[i], &total) == state);
		must(state != CHUNKS_END || total == full);
	}
	if (state == CHUNKS_END)
		must(read_plainly(bytes, n) == full);
	return 0;
}
