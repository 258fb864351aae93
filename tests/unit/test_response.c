/* SPDX-License-Identifier: ISC */
/*
 * Responses.  Each is delivered in every split into two and in pieces of every
 * size, and the sum of the grants and the end must always be the same.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../src/parser/response.h"
#include "responses.h"

#define WORDS(a)	(sizeof(a) / sizeof((a)[0]))

enum { MUTANTS = 30 * 1000, MUTANT_MAX = 512, ALL = 64 * 1024 };

struct outcome {
	enum response_state	state;
	uint64_t		total;	/* granted */
	bool			last;
	bool			final;
};

/* ck_assert() writes to a pipe each time: too slow for a loop of millions. */
static void
expect(bool holds, const char *what)
{
	if (!holds)
		ck_abort_msg("%s", what);
}

/* Hands over the bytes that follow what was granted, until at `seen`. */
static void
hand_over(struct response *response, struct outcome *outcome,
    const uint8_t *bytes, size_t seen)
{
	uint64_t	 grant;
	size_t		 n;
	uint8_t		*copy;

	if (outcome->state != RESPONSE_MORE || outcome->total > seen)
		return;
	n = seen - (size_t)outcome->total;
	copy = malloc(n + 1);
	expect(copy != NULL, "memory");
	/* The end of the bytes is the end of the block, for ASan. */
	memcpy(copy + 1, bytes + outcome->total, n);
	outcome->state = response_read(response, copy + 1, n, &grant);
	free(copy);
	expect(outcome->state != RESPONSE_MORE || grant >= n, "all is granted");
	expect(grant <= n + (uint64_t)INT64_MAX, "a bound");
	outcome->total += grant;
}

/* The first `first` bytes, then `window` more at a time. */
static struct outcome
deliver(const struct response_to *to, const uint8_t *bytes, size_t n,
    size_t first, size_t window)
{
	struct response	response;
	struct outcome	outcome;
	size_t		seen;

	memset(&outcome, 0, sizeof(outcome));
	outcome.state = RESPONSE_MORE;
	response_begin(&response, to);
	expect(!response_begun(&response), "nothing has come");
	for (seen = first; ; seen = n - seen < window ? n : seen + window) {
		hand_over(&response, &outcome, bytes, seen);
		expect(seen == 0 || response_begun(&response), "begun");
		if (seen == n)
			break;
	}
	outcome.final = response_final(&response);
	outcome.last = outcome.state == RESPONSE_END &&
	    response_last(&response);
	return outcome;
}

static struct outcome
at_once(const struct response_to *to, const uint8_t *bytes, size_t n)
{
	return deliver(to, bytes, n, n, ALL);
}

static void
every_delivery(const struct response_to *to, const uint8_t *bytes, size_t n)
{
	struct outcome	whole = at_once(to, bytes, n), other;
	size_t		i;

	for (i = 0; i < 2 * n; i++) {
		other = i < n ? deliver(to, bytes, n, i, ALL) :
		    deliver(to, bytes, n, 0, i - n + 1);
		expect(other.state == whole.state, "the same state");
		expect(other.total == whole.total, "the same sum");
		expect(other.last == whole.last, "the same last");
		expect(other.final == whole.final, "the same final");
	}
}

START_TEST(ends_found)
{
	const struct response_to *to = ends[_i].to;
	uint8_t		 bytes[512];
	size_t		 n = strlen(ends[_i].text);
	struct outcome	 outcome;

	memcpy(bytes, ends[_i].text, n);
	memcpy(bytes + n, "HTTP/1.1 200 OK", 15);
	outcome = at_once(to, bytes, n + 15);
	ck_assert_int_eq(outcome.state, RESPONSE_END);
	ck_assert_uint_eq(outcome.total, n);
	ck_assert(outcome.last == ends[_i].last);
	ck_assert(outcome.final);
	every_delivery(to, bytes, n);
	every_delivery(to, bytes, n + 15);
	while (--n > 0) {
		outcome = at_once(to, bytes, n);
		/* With a length the end is known before it is seen. */
		ck_assert(outcome.state == RESPONSE_MORE ||
		    (outcome.state == RESPONSE_END && bytes[n] != '\r' &&
		    bytes[n] != '\n'));
		every_delivery(to, bytes, n);
	}
}
END_TEST

/* The end of a row of firsts[], whatever follows, and not before. */
START_TEST(firsts_found)
{
	const struct response_to *to = firsts[_i].to;
	uint8_t		 bytes[512];
	size_t		 n = firsts[_i].n;
	struct outcome	 outcome;

	memcpy(bytes, firsts[_i].text, n);
	memcpy(bytes + n, "HTTP/1.1 200 OK", 15);
	outcome = at_once(to, bytes, n + 15);
	ck_assert_int_eq(outcome.state, RESPONSE_END);
	ck_assert_uint_eq(outcome.total, n);
	ck_assert(outcome.last && outcome.final);
	every_delivery(to, bytes, n);
	every_delivery(to, bytes, n + 15);
	while (--n > 0) {
		outcome = at_once(to, bytes, n);
		ck_assert(outcome.state == RESPONSE_MORE ||
		    (outcome.state == RESPONSE_END &&
		    outcome.total == firsts[_i].n));
		every_delivery(to, bytes, n);
	}
}
END_TEST

START_TEST(lasts_found)
{
	const struct response_to *to = lasts[_i].to;
	const uint8_t	*bytes = (const uint8_t *)lasts[_i].text;
	size_t		 n = lasts[_i].n;
	struct outcome	 outcome = at_once(to, bytes, n);

	ck_assert_int_eq(outcome.state, RESPONSE_LAST);
	ck_assert_uint_eq(outcome.total, n);
	ck_assert(outcome.final);
	every_delivery(to, bytes, n);
	outcome = at_once(to, bytes, n - 1);
	ck_assert_int_eq(outcome.state, RESPONSE_MORE);
	every_delivery(to, bytes, n - 1);
}
END_TEST

/* 101 to who asked for it, well-formed or not. */
START_TEST(tunnels)
{
	static const char *const heads[] = {
		"HTTP/1.1 101 x\r\n\r\n", "HTTP/1.1 101 \r\nX: y\r\n\r\n",
		"HTTP/1.1 100 x\r\n\r\nHTTP/1.1 101 x\r\n\r\n",
		"HTTP/1.0 101 x\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 101 x\r\n" FIVE "\r\n", "HTTP/1.1 101\r",
		"HTTP/1.1 101 x\r\nX: y\n", "HTTP/1.1 101 x\r\nX ",
		"HTTP/1.1 101 x\r\nTransfer-Encoding: gzip\r",
	};
	size_t		i, n;
	uint8_t		bytes[128];
	struct outcome	outcome;

	for (i = 0; i < WORDS(heads); i++) {
		n = strlen(heads[i]);
		memcpy(bytes, heads[i], n);
		memcpy(bytes + n, "tunnel", 6);
		outcome = at_once(&up, bytes, n + 6);
		ck_assert_int_eq(outcome.state, RESPONSE_TUNNEL);
		ck_assert_uint_eq(outcome.total, n);
		ck_assert(outcome.final);
		every_delivery(&up, bytes, n + 6);
		outcome = at_once(&get, bytes, n + 6);
		ck_assert_int_ne(outcome.state, RESPONSE_TUNNEL);
	}
}
END_TEST

/* Data that is announced and not there may pass all the same. */
START_TEST(unseen)
{
	static const char	length[] = OK "Content-Length: "
	    "9223372036854775807\r\n\r\nab";
	static const char	chunk[] = CODED "7fffffffffffffff\r\nab";
	struct outcome		outcome;
	size_t			n = sizeof(length) - 3;

	outcome = at_once(&get, (const uint8_t *)length, n + 2);
	ck_assert_int_eq(outcome.state, RESPONSE_END);
	ck_assert_uint_eq(outcome.total, n + (uint64_t)INT64_MAX);
	every_delivery(&get, (const uint8_t *)length, n + 2);
	n = sizeof(chunk) - 3;
	outcome = at_once(&get, (const uint8_t *)chunk, n + 2);
	ck_assert_int_eq(outcome.state, RESPONSE_MORE);
	ck_assert_uint_eq(outcome.total, n + (uint64_t)INT64_MAX);
	every_delivery(&get, (const uint8_t *)chunk, n + 2);
}
END_TEST

/* The status tells, before the rest of the head. */
START_TEST(final_known)
{
	static const char	interim[] = "HTTP/1.1 103 x\r\n\r\n";
	static const char	status[] = "HTTP/1.1 200";
	struct response		response;
	uint64_t		grant;

	response_begin(&response, &get);
	ck_assert(!response_begun(&response));
	ck_assert_int_eq(response_read(&response, (const uint8_t *)interim,
	    0, &grant), RESPONSE_MORE);
	ck_assert_uint_eq(grant, 0);
	ck_assert(!response_begun(&response));
	response_read(&response, (const uint8_t *)interim,
	    sizeof(interim) - 1, &grant);
	ck_assert(response_begun(&response) && !response_final(&response));
	response_read(&response, (const uint8_t *)status, 11, &grant);
	ck_assert(!response_final(&response));
	response_read(&response, (const uint8_t *)status + 11, 1, &grant);
	ck_assert_uint_eq(grant, 1);
	ck_assert(response_final(&response));
}
END_TEST

/* However its status line is written. */
START_TEST(wary)
{
	static const struct {
		const char	*text;
		bool		 wary;
	} rows[] = {
		{ "HTTP/1.1 103 x\r\n\r\n", true },
		{ "HTTP/1.1 100\r\n\r\n", true },
		{ "HTTP/1.1  100 x\r\n\r\n", true },
		{ "http/1.1 100 x\n" FIVE "\n", true },
		{ "<", false }, { "HTTP/1.1 x", false }
	};
	struct response	response;
	uint64_t	grant;
	size_t		i;

	for (i = 0; i < WORDS(rows); i++) {
		response_begin(&response, &head);
		ck_assert_int_eq(response_read(&response,
		    (const uint8_t *)rows[i].text, strlen(rows[i].text),
		    &grant), RESPONSE_LAST);
		ck_assert(response_wary(&response) == rows[i].wary);
	}
}
END_TEST

START_TEST(value_bound)
{
	static const char *const words[] = { "5", "chunked", "close" };
	static const char *const names[] = { "Content-Length:",
	    "Transfer-Encoding:", "Connection:" };
	char		text[512];
	struct outcome	outcome;
	size_t		i, n;

	for (i = 0; i < WORDS(words); i++) {
		n = (size_t)(stpcpy(stpcpy(text, OK), names[i]) - text);
		memset(text + n, ' ', FRAMING_VALUE_MAX + 1);
		memcpy(text + n + FRAMING_VALUE_MAX - strlen(words[i]),
		    words[i], strlen(words[i]));
		strcpy(text + n + FRAMING_VALUE_MAX, "\r\n\r\n");
		outcome = at_once(&head, (const uint8_t *)text, strlen(text));
		ck_assert_int_eq(outcome.state, RESPONSE_END);
		ck_assert(outcome.last == (i == 2));
		strcpy(text + n + FRAMING_VALUE_MAX, " \r\n\r\n");
		outcome = at_once(&head, (const uint8_t *)text, strlen(text));
		ck_assert_int_eq(outcome.state, RESPONSE_END);
		ck_assert(outcome.last);
	}
}
END_TEST

/* Heads and trailers of any size, in any pieces, cost what their bytes do. */
START_TEST(byte_by_byte)
{
	static uint8_t	bytes[ALL];
	struct timespec	start, end;
	struct outcome	outcome;
	struct response	response;
	uint64_t	grant;
	size_t		n, i;
	double		seconds;

	n = (size_t)(stpcpy((char *)bytes, CODED) - (char *)bytes) - 2;
	memset(bytes + n, 'x', 30000);
	memcpy(bytes + n, "X:", 2);
	n += 30000;
	n += (size_t)(stpcpy((char *)bytes + n, "\r\n\r\n0\r\nY:") -
	    (char *)bytes - (ptrdiff_t)n);
	memset(bytes + n, 'y', 30000);
	memcpy(bytes + n + 30000, "\r\n\r\n", 4);
	n += 30004;
	outcome = deliver(&get, bytes, n, 0, 1);
	ck_assert_int_eq(outcome.state, RESPONSE_END);
	ck_assert_uint_eq(outcome.total, n);

	response_begin(&response, &get);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	for (i = 0; i < 10000; i++)
		(void)response_read(&response, bytes + i, 1, &grant);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	seconds = (double)(end.tv_sec - start.tv_sec) +
	    (double)(end.tv_nsec - start.tv_nsec) / 1e9;
	ck_assert_double_lt(seconds, 0.02);
	ck_assert_uint_le(sizeof(struct response), 128);
}
END_TEST

START_TEST(mutants)
{
	static const char	spice[] = "\r\n;\"= \t:,0125afxcC~\0";
	static const struct response_to *const tos[] = { &get, &head, &up,
	    &old };
	const size_t		framed = WORDS(ends), all = framed +
				    WORDS(firsts);
	const char		*text;
	uint8_t			bytes[MUTANT_MAX];
	size_t			i, k, n;

	srand(9112);
	for (i = 0; i < MUTANTS; i++) {
		k = i % all;
		text = k < framed ? ends[k].text : firsts[k - framed].text;
		n = k < framed ? strlen(text) : firsts[k - framed].n;
		memcpy(bytes, text, n);
		for (k = 0; k < 1 + i % 3; k++)
			bytes[(size_t)rand() % n] = (uint8_t)spice[
			    (size_t)rand() % sizeof(spice)];
		every_delivery(tos[(size_t)rand() % WORDS(tos)], bytes, n);
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

	suite = suite_create("response");
	tcase = tcase_create("responses");
	tcase_set_timeout(tcase, 300);
	tcase_add_loop_test(tcase, ends_found, 0, (int)WORDS(ends));
	tcase_add_loop_test(tcase, firsts_found, 0, (int)WORDS(firsts));
	tcase_add_loop_test(tcase, lasts_found, 0, (int)WORDS(lasts));
	tcase_add_test(tcase, tunnels);
	tcase_add_test(tcase, unseen);
	tcase_add_test(tcase, final_known);
	tcase_add_test(tcase, wary);
	tcase_add_test(tcase, value_bound);
	tcase_add_test(tcase, byte_by_byte);
	tcase_add_test(tcase, mutants);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
