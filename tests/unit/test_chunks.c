/* SPDX-License-Identifier: ISC */
/*
 * Chunked bodies.  Each is walked with a window of every size, and no byte of
 * framing may be granted before it was in the window.  In the tables '~'
 * stands for data and stands nowhere else.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/parser/chunks.h"
#include "../../src/parser/request.h"

#define WORDS(a)	(sizeof(a) / sizeof((a)[0]))

enum { MUTANTS = 100 * 1000, MUTANT_MAX = 512, ALL = 64 * 1024 };

/* ck_assert() writes to a pipe each time: too slow for a loop of millions. */
static void
expect(bool holds, const char *what)
{
	if (!holds)
		ck_abort_msg("%s", what);
}

/* Passes a body on as the relay would, and gives what became of it. */
static enum chunks_state
relay(const uint8_t *body, size_t n, size_t window, uint64_t *total,
    bool marked)
{
	struct chunks		 chunks;
	enum chunks_state	 state;
	uint64_t		 grant, i;
	size_t			 seen = 0;
	uint8_t			*copy;

	memset(&chunks, 0, sizeof(chunks));
	for (*total = 0; *total <= n; ) {
		if (seen < *total)
			seen = (size_t)*total;
		copy = malloc(seen - *total + 1);
		expect(copy != NULL, "memory");
		/* The end of the bytes is the end of the block, for ASan. */
		memcpy(copy + 1, body + *total, seen - *total);
		state = chunks_walk(&chunks, copy + 1, seen - *total, &grant);
		free(copy);
		expect((grant > 0) == (state == CHUNKS_GRANT ||
		    state == CHUNKS_END), "a grant");
		for (i = seen; marked && i < n && i < *total + grant; i++)
			expect(body[i] == '~', "framing passed unseen");
		*total += grant;
		if (state == CHUNKS_END || state == CHUNKS_BAD)
			return state;
		if (state == CHUNKS_GRANT)
			continue;
		if (seen == n)
			return CHUNKS_PART;
		seen = n - seen < window ? n : seen + window;
	}
	return CHUNKS_PART;
}

static void
every_window(const uint8_t *body, size_t n, bool marked)
{
	enum chunks_state	state;
	uint64_t		total, full;
	size_t			window;

	state = relay(body, n, ALL, &full, marked);
	for (window = 1; window <= n; window++) {
		expect(relay(body, n, window, &total, marked) == state,
		    "the same state");
		expect(state != CHUNKS_END || total == full,
		    "the same end");
	}
}

/* What follows the end belongs to the next request. */
static const char *const bodies[] = {
	"0\r\n\r\n", "0000000000000000\r\n\r\n", "3\r\n~~~\r\n0\r\n\r\n",
	"00000000000003\r\n~~~\r\n0\r\n\r\n",
	"1\r\n~\r\n1\r\n~\r\n1\r\n~\r\n00\r\n\r\n",
	"a\r\n~~~~~~~~~~\r\nA\r\n~~~~~~~~~~\r\n0\r\n\r\n",
	"3;a\r\n~~~\r\n0;b=c\r\n\r\n",
	"3 ; a\t= b;c=\"d;\\\" \x80\"\r\n~~~\r\n0\r\n\r\n",
	"3;a=\"b\\\\\"\r\n~~~\r\n0\r\n\r\n",
	"3;a=\"\"\t;b\r\n~~~\r\n0\r\n\r\n",
	"0\r\nA: b\r\nC:\r\n\r\n", "3\r\n~~~\r\n0\r\nDigest: x\r\n\r\n",
	"1\r\n~\r\n0\r\nTrailer: Host\r\n\r\n",
};

START_TEST(body_taken)
{
	uint8_t		body[256];
	const char	*text = bodies[_i];
	size_t		n = strlen(text);
	uint64_t	total;

	memcpy(body, text, n);
	memcpy(body + n, "GET /", 5);
	ck_assert_int_eq(relay(body, n + 5, ALL, &total, true), CHUNKS_END);
	ck_assert_uint_eq(total, n);
	every_window(body, n, true);
	every_window(body, n + 5, true);
	while (--n > 0) {
		ck_assert_int_eq(relay(body, n, ALL, &total, true),
		    CHUNKS_PART);
		every_window(body, n, true);
	}
}
END_TEST

/* The last byte is the one that cannot be; all before it are legal. */
#define BODY(text)	{ text, sizeof(text) - 1 }

static const struct {
	const char	*text;
	size_t		 n;
} bodies_refused[] = {
	BODY("\r"), BODY("\n"), BODY("g"), BODY("-"), BODY("+"), BODY(" "),
	BODY("0x"), BODY("1\n"), BODY("1\r~"), BODY("1 \r"), BODY("1\t\r"),
	BODY("1 ~"), BODY("1,"), BODY("1\0"), BODY("\0"), BODY(";"),
	BODY("00000000000000000"), BODY("8000000000000000"),
	BODY("ffffffffffffffff"), BODY("10000000000000000"),
	BODY("1;\r"), BODY("1; \r"), BODY("1;\n"), BODY("1;a\n"),
	BODY("1;a\r~"), BODY("1;a \r"), BODY("1;a=\r"), BODY("1;a=;"),
	BODY("1;a=\"\r"), BODY("1;a=\"\n"), BODY("1;a=\"\0"),
	BODY("1;a=\"\\\r"), BODY("1;a=\"b\"c"), BODY("1;="), BODY("1;;"),
	BODY("1;a\x80"), BODY("1;a\0"), BODY("1;a=b c"), BODY("1;a("),
	BODY("1\r\n~0"), BODY("1\r\n~\n"), BODY("1\r\n~\r\r"),
	BODY("1\r\n~~"), BODY("1\r\n~\r\n\r"), BODY("1\r\n~\r\nx"),
	BODY("2\r\n\r\n0"),	/* the data is CRLF, then no CRLF */
	BODY("0\r\n\n"), BODY("0\r\n\rx"), BODY("0\r\n "), BODY("0\r\n:"),
	BODY("0\r\nX "), BODY("0\r\nX: y\n"), BODY("0\r\nX: \0"),
	BODY("0\r\nA: b\r\n "), BODY("0\r\nHost: a\r\n"),
	BODY("0\r\nA: b\r\nhost: a\r\n"), BODY("0\r\ncontent-Length:\r\n"),
	BODY("0\r\nTransfer-Encoding: chunked\r\n"),
	BODY("0\r\nGET "), BODY("3;c=\"d\\\"\r"),
};

START_TEST(body_refused)
{
	const uint8_t	*body = (const uint8_t *)bodies_refused[_i].text;
	size_t		 n = bodies_refused[_i].n;
	uint64_t	 total;

	ck_assert_int_eq(relay(body, n, ALL, &total, false), CHUNKS_BAD);
	every_window(body, n, false);
	ck_assert_int_eq(relay(body, n - 1, ALL, &total, false),
	    CHUNKS_PART);
}
END_TEST

/* Sizes whose data is far beyond what is seen. */
START_TEST(body_unseen)
{
	static const uint8_t	line[] = "7fffffffffffffff\r\n~~";
	struct chunks		chunks;
	uint64_t		grant;

	memset(&chunks, 0, sizeof(chunks));
	ck_assert_int_eq(chunks_walk(&chunks, line, 17, &grant), CHUNKS_PART);
	ck_assert_int_eq(chunks_walk(&chunks, line, 18, &grant),
	    CHUNKS_GRANT);
	ck_assert_uint_eq(grant, 18 + (uint64_t)INT64_MAX);
	ck_assert_int_eq(chunks.due, DUE_CRLF);
	memset(&chunks, 0, sizeof(chunks));
	ck_assert_int_eq(chunks_walk(&chunks, line, 20, &grant),
	    CHUNKS_GRANT);
	ck_assert_uint_eq(grant, 18 + (uint64_t)INT64_MAX);
}
END_TEST

/* A client that waits for an answer between chunks is not kept waiting. */
START_TEST(body_prompt)
{
	static const uint8_t	body[] = "1\r\n~\r\n1";
	struct chunks		chunks;
	uint64_t		grant;

	memset(&chunks, 0, sizeof(chunks));
	ck_assert_int_eq(chunks_walk(&chunks, body, 7, &grant), CHUNKS_GRANT);
	ck_assert_uint_eq(grant, 6);
	memset(&chunks, 0, sizeof(chunks));
	ck_assert_int_eq(chunks_walk(&chunks, body, 5, &grant), CHUNKS_GRANT);
	ck_assert_uint_eq(grant, 4);
	ck_assert_int_eq(chunks_walk(&chunks, body + 4, 1, &grant),
	    CHUNKS_PART);
	ck_assert_int_eq(chunks_walk(&chunks, body + 4, 2, &grant),
	    CHUNKS_GRANT);
	ck_assert_uint_eq(grant, 2);
	ck_assert_int_eq(chunks.due, DUE_SIZE);
}
END_TEST

START_TEST(line_bound)
{
	uint8_t		body[4200];
	uint64_t	total;

	memset(body, 'x', sizeof(body));
	memcpy(body, "0;", 2);
	memcpy(body + 4094, "\r\n\r\n", 4);
	ck_assert_int_eq(relay(body, 4098, ALL, &total, false), CHUNKS_END);
	ck_assert_int_eq(relay(body, 4095, ALL, &total, false), CHUNKS_PART);
	memcpy(body + 4094, "x\r\n\r\n", 5);
	ck_assert_int_eq(relay(body, 4095, ALL, &total, false), CHUNKS_PART);
	ck_assert_int_eq(relay(body, 4096, ALL, &total, false), CHUNKS_BAD);
	ck_assert_int_eq(relay(body, 4099, ALL, &total, false), CHUNKS_BAD);
	ck_assert_int_eq(relay(body, 4099, 1, &total, false), CHUNKS_BAD);
}
END_TEST

START_TEST(trailer_bounds)
{
	static uint8_t	body[ALL];
	size_t		n = 3, i, max = 3 + REQUEST_HEAD_MAX;
	uint64_t	total;

	memcpy(body, "0\r\n", 3);
	for (i = 0; i < REQUEST_FIELDS_MAX; i++, n += 6)
		memcpy(body + n, "A: b\r\n", 6);
	memcpy(body + n, "\r\n", 2);
	ck_assert_int_eq(relay(body, n + 2, 7, &total, false), CHUNKS_END);
	memcpy(body + n, "A: b\r\n\r\n", 8);
	ck_assert_int_eq(relay(body, n + 8, 7, &total, false), CHUNKS_BAD);

	memset(body + 9, 'x', sizeof(body) - 9);
	memcpy(body + 9, "Y:", 2);
	memcpy(body + max - 4, "\r\n\r\n", 4);
	ck_assert_int_eq(relay(body, max, 100, &total, false), CHUNKS_END);
	memcpy(body + max - 4, "x\r\n\r\n", 5);
	ck_assert_int_eq(relay(body, max - 1, ALL, &total, false),
	    CHUNKS_PART);
	ck_assert_int_eq(relay(body, max, ALL, &total, false), CHUNKS_BAD);
	ck_assert_int_eq(relay(body, max + 1, 100, &total, false),
	    CHUNKS_BAD);
}
END_TEST

START_TEST(mutants)
{
	static const char	spice[] = "\r\n;\"= \t:0129afx~\0";
	uint8_t			body[MUTANT_MAX];
	const char		*text;
	size_t			i, k, n;

	srand(9112);
	for (i = 0; i < MUTANTS; i++) {
		text = bodies[i % WORDS(bodies)];
		n = strlen(text);
		memcpy(body, text, n);
		for (k = 0; k < i % 4; k++)
			body[(size_t)rand() % n] = (uint8_t)spice[
			    (size_t)rand() % sizeof(spice)];
		every_window(body, n, false);
	}
}
END_TEST

int
main(void)
{
	SRunner	*runner;
	Suite	*suite;
	TCase	*tcase;
	int	 failed;

	suite = suite_create("chunks");
	tcase = tcase_create("bodies");
	tcase_set_timeout(tcase, 300);
	tcase_add_loop_test(tcase, body_taken, 0, (int)WORDS(bodies));
	tcase_add_loop_test(tcase, body_refused, 0,
	    (int)WORDS(bodies_refused));
	tcase_add_test(tcase, body_unseen);
	tcase_add_test(tcase, body_prompt);
	tcase_add_test(tcase, line_bound);
	tcase_add_test(tcase, trailer_bounds);
	tcase_add_test(tcase, mutants);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
