/* SPDX-License-Identifier: ISC */
/*
 * How far a first flight has come: at every prefix, and at the very byte at
 * which an error is told.
 */
#include <stdlib.h>

#include "recipe.h"
#include "../../src/parser/flight.h"
#include "../../src/parser/lowat.h"

static void
check_prefixes(const uint8_t *bytes, size_t size, size_t step)
{
	struct flight flight;
	size_t	      k;

	for (k = 0; k < size; k += step) {
		ck_assert_int_eq(flight_measure(bytes, k, &flight),
		    FLIGHT_PART);
		ck_assert_uint_ge(flight.missing, 1);
		ck_assert_uint_le(flight.missing, size - k);
	}
	ck_assert_int_eq(flight_measure(bytes, size - 1, &flight), FLIGHT_PART);
	ck_assert_uint_eq(flight.missing, 1);
	for (k = size; k < size + 9; k++) {
		ck_assert_int_eq(flight_measure(bytes, k, &flight),
		    FLIGHT_WHOLE);
		ck_assert_uint_eq(flight.size, size);
	}
}

/* How often one who waits for what is missing wakes up. */
static size_t
wakes(const uint8_t *bytes, size_t size)
{
	struct flight flight;
	size_t	      k = 0, times = 0;

	while (flight_measure(bytes, k, &flight) == FLIGHT_PART) {
		k += flight.missing;
		times++;
	}
	ck_assert_uint_eq(k, size);
	return times;
}

START_TEST(test_splits)
{
	static const char *recipes[] = { HELLO(A), "01[3" HEAD "]", "01[3]",
	    HELLO(A ALPN(ACME)) };
	size_t size = record_sizes[_i], i, n;

	for (i = 0; i < sizeof(recipes) / sizeof(*recipes); i++) {
		n = cook(recipes[i], message);
		n = frame(message, n, size, flight_bytes);
		memset(flight_bytes + n, 'x', 9);
		check_prefixes(flight_bytes, n, 1);
	}
	n = frame(message, cook_long(13600), size, flight_bytes);
	check_prefixes(flight_bytes, n, 97);
	ck_assert_uint_le(wakes(flight_bytes, n), 100);
	if (size < 512)
		return;
	n = frame(message, cook_long(65536 + 4), size, flight_bytes);
	check_prefixes(flight_bytes, n, 97);
	ck_assert_uint_le(wakes(flight_bytes, n), 100);
}
END_TEST

START_TEST(test_missing)
{
	static const struct {
		const char *recipe;
		size_t	    missing;
	} rows[] = {
		{ "", 9 }, { "16", 8 }, { "16030100", 5 }, { "1603010100", 4 },
		/* the first record ends within the message header */
		{ "1603010001", 9 }, { "160301000101", 8 },
		{ "160301000101 1603", 6 }, { "160301000101 1603010100", 3 },
		/* lengths of which the first bytes are there */
		{ "1603010200 0100", 2 }, { "1603010200 010001", 257 },
		{ "1603010200 01000100", 256 },
		/* 512 there, 1000 in all: one more header */
		{ "1603010200 010003e4", 996 + 5 + 4 - 4 },
		{ "1603010004 010003e4", 996 + 5 },
		/* 4 + 65536: what lacks fills four records more and a bit */
		{ "1603010004 01010000", 65536 + 4 * 5 },
		{ "1603010003 010100", 65537 + 5 * 5 },
		/* the most that can end within FLIGHT_MAX */
		{ "1603010004 01013fde", FLIGHT_MAX - 9 }
	};
	struct flight flight;
	size_t	      i, n;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		n = cook(rows[i].recipe, message);
		ck_assert_int_eq(flight_measure(message, n, &flight),
		    FLIGHT_PART);
		ck_assert_msg(flight.missing == rows[i].missing,
		    "%s: %zu", rows[i].recipe, flight.missing);
	}
}
END_TEST

START_TEST(test_errors)
{
	static const struct {
		const char	 *recipe;
		size_t		  at;	/* bytes that tell it */
		enum flight_state state;
	} rows[] = {
		{ "'GET / HTTP/1.1'", 1, FLIGHT_NOT_HELLO },
		{ "802e0103010015", 1, FLIGHT_NOT_HELLO },
		{ "15030100020228", 1, FLIGHT_NOT_HELLO },
		{ "1602010100", 2, FLIGHT_NOT_HELLO },
		{ "1604010100", 2, FLIGHT_NOT_HELLO },
		{ "1603014100", 4, FLIGHT_OVERFLOW },
		{ "160301ffff", 4, FLIGHT_OVERFLOW },
		{ "1603014001", 5, FLIGHT_OVERFLOW },
		{ "1603010000", 5, FLIGHT_MALFORMED },
		{ "160301000502000001", 6, FLIGHT_NOT_HELLO },
		{ "160301000500000001", 6, FLIGHT_NOT_HELLO },
		{ "1603010005 010200", 7, FLIGHT_TOO_LONG },
		{ "1603010005 01ffffff", 7, FLIGHT_TOO_LONG },
		{ "1603010005 01014000", 8, FLIGHT_TOO_LONG },
		{ "1603010004 01013fdf", 9, FLIGHT_TOO_LONG },
		/* the first verdict stands, whatever follows */
		{ "1603010004 01090000 'GET'", 7, FLIGHT_TOO_LONG },
		{ "160301000101 14030100", 7, FLIGHT_NOT_HELLO },
		{ "160301000101 15030100", 7, FLIGHT_NOT_HELLO },
		{ "160301000101 1702", 7, FLIGHT_NOT_HELLO },
		{ "160301000101 1602", 8, FLIGHT_NOT_HELLO },
		{ "160301000101 1603014002", 11, FLIGHT_OVERFLOW },
		{ "160301000101 1603010000", 11, FLIGHT_MALFORMED }
	};
	struct flight flight;
	size_t	      i, k, n;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		n = cook(rows[i].recipe, message);
		for (k = 0; k <= n; k++)
			ck_assert_msg(flight_measure(message, k, &flight) ==
			    (k < rows[i].at ? FLIGHT_PART : rows[i].state),
			    "%s: %zu", rows[i].recipe, k);
	}
}
END_TEST

START_TEST(test_bounds)
{
	struct flight flight;
	size_t	      n, k;

	n = frame(message, cook_long(65536), 16384, flight_bytes);
	memset(flight_bytes + n, 'x', 100000);
	check_prefixes(flight_bytes, n, 997);
	ck_assert_int_eq(flight_measure(flight_bytes, n + 100000, &flight),
	    FLIGHT_WHOLE);
	ck_assert_uint_eq(flight.size, n);

	/* 13,653 bytes alone in their records are the last that fit */
	n = frame(message, cook_long(13653), 1, flight_bytes);
	ck_assert_int_eq(flight_measure(flight_bytes, n, &flight),
	    FLIGHT_WHOLE);
	n = frame(message, cook_long(13654), 1, flight_bytes);
	for (k = 0; k < FLIGHT_MAX - 12; k += 6)
		ck_assert_int_eq(flight_measure(flight_bytes, k, &flight),
		    FLIGHT_PART);
	for (k = FLIGHT_MAX - 3; k <= n; k++)
		ck_assert_int_eq(flight_measure(flight_bytes, k, &flight),
		    FLIGHT_TOO_LONG);
}
END_TEST

/* What is waited for is never more than what is missing, and little less. */
START_TEST(test_lowat)
{
	size_t	wanted, lowat;

	for (wanted = 1; wanted <= FLIGHT_MAX + 10; wanted++) {
		lowat = (size_t)*lowat_at_most(wanted);
		ck_assert_uint_ge(lowat, 1);
		ck_assert_uint_le(lowat, wanted);
		ck_assert(2 * lowat > wanted);
		ck_assert_uint_lt(wanted - lowat, 4096);
	}
	ck_assert_int_eq(*lowat_at_most(SIZE_MAX), FLIGHT_MAX);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("flight");
	TCase	*tests = tcase_create("flight");
	SRunner *runner = srunner_create(suite);
	int	 sizes = sizeof(record_sizes) / sizeof(*record_sizes);
	int	 failed;

	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, test_splits, 0, sizes);
	tcase_add_test(tests, test_missing);
	tcase_add_test(tests, test_errors);
	tcase_add_test(tests, test_bounds);
	tcase_add_test(tests, test_lowat);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
