/* SPDX-License-Identifier: ISC */
/*
 * Both readers of the ClientHello.  What BearSSL does otherwise than the
 * cursor stands in the table beside it.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recipe.h"
#include "../../src/parser/flight.h"
#include "../../src/parser/hello.h"
#include "../../src/parser/hello_bearssl.h"

enum { MUTATIONS = 200000 };

static void
check_one(const char *label, enum hello_kind (*engine)(const uint8_t *,
    size_t, struct hello *), size_t n, enum hello_kind kind, const char *name)
{
	struct hello	hello;
	struct hostname padded;
	enum hello_kind got;

	memset(&hello, 0xff, sizeof(hello));
	got = engine(flight_bytes, n, &hello);
	ck_assert_msg(got == kind, "%s: %d, not %d", label, got, kind);
	memset(&padded, 0, sizeof(padded));
	if (kind == HELLO_NAMED)
		snprintf(padded.text, sizeof(padded.text), "%s", name);
	ck_assert_msg(memcmp(&padded, &hello.name, sizeof(padded)) == 0,
	    "%s: %.253s", label, hello.name.text);
}

/* Both engines on the message, in records of all sizes. */
static void
check_both(const char *label, size_t size, enum hello_kind cursor,
    enum hello_kind bearssl, const char *name)
{
	struct flight flight;
	size_t	      i, n;

	for (i = 0; i < sizeof(record_sizes) / sizeof(*record_sizes); i++) {
		n = frame(message, size, record_sizes[i], flight_bytes);
		if (n > FLIGHT_MAX)
			continue;
		ck_assert_int_eq(flight_measure(flight_bytes, n, &flight),
		    FLIGHT_WHOLE);
		check_one(label, hello_cursor, n, cursor, name);
		check_one(label, hello_bearssl, n, bearssl, name);
	}
}

#define NAMED		HELLO_NAMED
#define NAMELESS	HELLO_NAMELESS
#define BAD		HELLO_BAD_NAME
#define MALFORMED	HELLO_MALFORMED

static const struct {
	const char     *recipe;
	enum hello_kind cursor, bearssl;
} rows[] = {
	{ HELLO(A), NAMED, NAMED },
	{ HELLO(SNI("'A.ExAMPLE'")), NAMED, NAMED },
	{ HELLO(SNI("'a.example.'")), NAMED, NAMED },
	{ HELLO(SNI("'a.example..'")), BAD, BAD },
	{ HELLO(SNI("'.'")), BAD, BAD },
	{ HELLO(SNI("'..'")), BAD, BAD },
	{ HELLO(SNI("'../a.example'")), BAD, BAD },
	{ HELLO(SNI("'_default'")), BAD, BAD },
	{ HELLO(SNI("'a_b.example'")), BAD, BAD },
	{ HELLO(SNI("'192.0.2.1'")), BAD, BAD },
	{ HELLO(SNI("'[2001:db8::1]'")), BAD, BAD },
	{ HELLO(SNI("'a.example:443'")), BAD, BAD },
	{ HELLO(SNI("'*.example'")), BAD, BAD },
	{ HELLO(SNI("'a.example' 00 'evil.example'")), BAD, NAMED },
	{ HELLO(SNI("'a.example' 00")), BAD, NAMED },
	{ HELLO(SNI("00 'a.example'")), BAD, NAMELESS },
	/* where the extensions are */
	{ "01[3" HEAD "]", NAMELESS, NAMELESS },
	{ HELLO(""), NAMELESS, NAMELESS },
	{ HELLO("0a0a[2]"), NAMELESS, NAMELESS },
	{ HELLO("0a0a[2] 0017[2]" A "fe0d[2 R R] 1a1a[2 00]"), NAMED, NAMED },
	{ "01[3" HEAD "00]", MALFORMED, MALFORMED },
	{ "01[3" HEAD "000000]", MALFORMED, MALFORMED },
	{ "01[3" HEAD "[2" A "] 00]", MALFORMED, MALFORMED },
	{ "01[3" HEAD "0013" A "]", MALFORMED, MALFORMED },
	{ "01[3" HEAD "0011" A "]", MALFORMED, MALFORMED },
	{ "01[3" HEAD "ffff" A "]", MALFORMED, MALFORMED },
	{ HELLO(A "00"), MALFORMED, MALFORMED },
	{ HELLO(A "002300"), MALFORMED, MALFORMED },
	{ HELLO(A "00230001"), MALFORMED, MALFORMED },
	{ HELLO(A "0023ffff"), MALFORMED, MALFORMED },
	{ HELLO(SNI("'_'") "00230001"), MALFORMED, MALFORMED },
	{ "01[3]", MALFORMED, MALFORMED },
	{ "01[3 03]", MALFORMED, MALFORMED },
	{ "01[3 0303 R]", MALFORMED, MALFORMED },
	/* server_name */
	{ HELLO("0000[2]"), MALFORMED, MALFORMED },
	{ HELLO("0000[2[2]]"), MALFORMED, NAMELESS },
	{ HELLO(SNI("")), MALFORMED, NAMELESS },
	{ HELLO("0000[2[2 00[2'b'] 00[2'a.example']]]"), MALFORMED, NAMED },
	{ HELLO("0000[2[2 01[2'b'] 00[2'a.example']]]"), MALFORMED, NAMED },
	{ HELLO("0000[2[2 01[2'a.example']]]"), MALFORMED, NAMELESS },
	{ HELLO(SNI("'b.example'") A), MALFORMED, NAMED },
	{ HELLO("0000[2[2 00[2'a.example']] 00]"), MALFORMED, MALFORMED },
	{ HELLO("0000[2[2 00[2'a.example'] 00]]"), MALFORMED, MALFORMED },
	{ HELLO("0000[2 000b 00[2'a.example']]"), MALFORMED, MALFORMED },
	{ HELLO("0000[2 000d 00[2'a.example']]"), MALFORMED, MALFORMED },
	{ HELLO("0000[2[2 00 000a 'a.example']]"), MALFORMED, MALFORMED },
	{ HELLO("0000[2[2 00 0008 'a.example']]"), MALFORMED, MALFORMED },
	/* haproxy ed267f9: 65 bytes with their record header */
	{ HELLO("0000[2[2 00 ffff 'a.ex']]"), MALFORMED, MALFORMED },
	{ HELLO("0000 ffff ffff 00 ffff 'a.ex'"), MALFORMED, MALFORMED },
	/* before the extensions */
	{ "01[3 0300 R 00[2 1301][1 00][2" A "]]", NAMED, NAMED },
	{ "01[3 03ff R 00[2 1301][1 00][2" A "]]", NAMED, NAMED },
	{ "01[3 0200 R 00[2 1301][1 00][2" A "]]", MALFORMED, MALFORMED },
	{ "01[3 0400 R 00[2 1301][1 00][2" A "]]", MALFORMED, MALFORMED },
	{ "01[3 ffff R 00[2 1301][1 00][2" A "]]", MALFORMED, MALFORMED },
	{ "01[3 0303 R[1 R][2 1301][1 00][2" A "]]", NAMED, NAMED },
	{ "01[3 0303 R[1 R 00][2 1301][1 00][2" A "]]", MALFORMED, MALFORMED },
	{ "01[3 0303 R 00[2 13][1 00][2" A "]]", MALFORMED, MALFORMED },
	{ "01[3 0303 R 00[2 130113][1 00][2" A "]]", MALFORMED, MALFORMED },
	{ "01[3 0303 R 00[2][1 00][2" A "]]", MALFORMED, NAMED },
	{ "01[3 0303 R 00[2 0a0a 5600 00ff][1 01][2" A "]]", NAMED, NAMED },
	{ "01[3 0303 R 00[2 1301][1][2" A "]]", MALFORMED, NAMED },
	/* ALPN */
	{ HELLO(A ALPN("[1'h2'][1'http/1.1']")), NAMED, NAMED },
	{ HELLO(A "0010[2]"), MALFORMED, MALFORMED },
	{ HELLO(A ALPN("")), MALFORMED, NAMED },
	{ HELLO(A ALPN("[1'h2'] 00")), MALFORMED, NAMED },
	{ HELLO(A ALPN("[1'h2'] 01")), MALFORMED, MALFORMED },
	{ HELLO(A "0010[2[2[1'h2']]00]"), MALFORMED, MALFORMED },
	{ HELLO(A ALPN("[1'h2']") ALPN(ACME)), MALFORMED, NAMED },
	/* what only BearSSL reads */
	{ HELLO(A "0001[2 05]"), NAMED, MALFORMED },
	{ HELLO(A "000a[2[2 001d00]]"), NAMED, MALFORMED },
	{ HELLO(A "000d[2[2 040300]]"), NAMED, MALFORMED },
	{ HELLO(A "ff01[2 01]"), NAMED, MALFORMED },
};

START_TEST(test_table)
{
	size_t n = cook(rows[_i].recipe, message);

	check_both(rows[_i].recipe, n, rows[_i].cursor, rows[_i].bearssl,
	    "a.example");
}
END_TEST

START_TEST(test_acme)
{
	static const struct {
		const char *alpn;
		bool	    cursor, bearssl;
	} offers[] = {
		{ "", false, false }, { ALPN(ACME), true, true },
		{ ALPN("[1'acme-tls/2']"), false, false },
		{ ALPN("[1'acme-tls/1x']"), false, false },
		{ ALPN("[1'acme-tls/']"), false, false },
		{ ALPN("[1'ACME-TLS/1']"), false, false },
		{ ALPN("[1'h2']" ACME), false, false },
		{ ALPN(ACME "[1'h2']"), false, false },
		{ ALPN(ACME "[1'unheard-of']"), false, true },
		{ ALPN(ACME ACME), false, true }
	};
	struct hello hello;
	size_t	     i, n;

	for (i = 0; i < sizeof(offers) / sizeof(*offers); i++) {
		snprintf(text, sizeof(text), "01[3" HEAD "[2" A "%s]]",
		    offers[i].alpn);
		n = frame(message, cook(text, message), 3, flight_bytes);
		ck_assert_int_eq(hello_cursor(flight_bytes, n, &hello), NAMED);
		ck_assert_int_eq(hello.acme, offers[i].cursor);
		ck_assert_int_eq(hello_bearssl(flight_bytes, n, &hello), NAMED);
		ck_assert_int_eq(hello.acme, offers[i].bearssl);
	}
}
END_TEST

START_TEST(test_name_sizes)
{
	static const size_t sizes[] = { 1, 63, 252, 253, 254, 255, 256, 257,
	    300, 16384, 60000 };
	static char	    name[60001];
	enum hello_kind	    want;
	size_t		    i, k, size;
	char		    last;

	for (i = 0; i < 2 * sizeof(sizes) / sizeof(*sizes); i++) {
		size = sizes[i / 2];
		/* every size with a trailing dot and without */
		last = i % 2 == 1 && size > 1 ? '.' : 'a';
		for (k = 0; k < size; k++)
			name[k] = k + 1 == size ? last :
			    k % 50 == 49 ? '.' : 'a';
		name[size] = '\0';
		snprintf(text, sizeof(text), "01[3" HEAD "[2" SNI("'%s'") "]]",
		    name);
		if (last == '.')
			name[size - 1] = '\0';
		want = strlen(name) <= 253 ? NAMED : BAD;
		check_both(text, cook(text, message), want,
		    size > 255 ? NAMELESS : want, name);
	}
}
END_TEST

/* Cut anywhere, no hello is well-formed but one that ends at extensions. */
START_TEST(test_truncated)
{
	size_t	n = cook(HELLO(A ALPN(ACME)), message), k;
	size_t	bare = cook("01[3" HEAD "]", message);

	cook(HELLO(A ALPN(ACME)), message);
	for (k = 4; k < n; k++) {
		message[3] = (uint8_t)(k - 4);
		if (k == bare)
			check_both("bare", k, NAMELESS, NAMELESS, NULL);
		else
			check_both("cut", k, MALFORMED, MALFORMED, NULL);
	}
}
END_TEST

START_TEST(test_versions_of_records)
{
	size_t n = frame(message, cook(HELLO(A), message), 30, flight_bytes);

	flight_bytes[35 + 2] = 3;
	check_one("mixed", hello_cursor, n, NAMED, "a.example");
	check_one("mixed", hello_bearssl, n, NAMED, "a.example");
}
END_TEST

START_TEST(test_many_extensions)
{
	size_t at = (size_t)sprintf(text, "01[3" HEAD "[2"), i;

	for (i = 0; i < 14000; i++)
		at += (size_t)sprintf(text + at, "%04zx0000", 0x2000 + i);
	sprintf(text + at, A "]]");
	check_both("14,000", cook(text, message), NAMED, NAMED, "a.example");
	check_both("64 KiB", cook_long(65536), NAMED, NAMED, "a.example");
}
END_TEST

/* Marsaglia's xorshift: the same mutations on every machine. */
static uint32_t
chance(uint32_t below)
{
	static uint32_t state = 2463534242u;

	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % below;
}

/*
 * One to four bytes changed, anywhere.  The copy is as large as the flight,
 * so that a sanitizer sees a read beyond it.
 */
START_TEST(test_mutations)
{
	struct hostname checked;
	struct flight	flight;
	struct hello	hello;
	size_t		k, i, m, n;
	uint8_t	       *copy;

	m = cook(HELLO("0a0a[2]" A ALPN(ACME) "ff01[2 00]"), message);
	n = frame(message, m, 40, flight_bytes);
	for (k = 0; k < MUTATIONS; k++) {
		ck_assert_ptr_nonnull(copy = malloc(n));
		memcpy(copy, flight_bytes, n);
		for (i = chance(4) + 1; i > 0; i--)
			copy[chance((uint32_t)n)] = (uint8_t)chance(256);
		/* the cursor has to bear even what is no whole flight */
		if (hello_cursor(copy, n, &hello) == NAMED)
			ck_assert_int_eq(hostname_check(&checked, &hello.name),
			    0);
		if (flight_measure(copy, n, &flight) == FLIGHT_WHOLE)
			(void)hello_bearssl(copy, flight.size, &hello);
		free(copy);
	}
}
END_TEST

static void
check_file(const char *dir, const char *name)
{
	enum hello_kind want;
	struct flight	flight;
	size_t		n;
	FILE	       *file;

	want = strncmp(name, "nameless-", 9) == 0 ? NAMELESS : NAMED;
	snprintf(text, sizeof(text), "%s/%s", dir, name);
	file = fopen(text, "rb");
	ck_assert_msg(file != NULL, "%s", text);
	n = fread(flight_bytes, 1, sizeof(flight_bytes), file);
	(void)fclose(file);
	ck_assert_msg(flight_measure(flight_bytes, n, &flight) == FLIGHT_WHOLE,
	    "%s", name);
	check_one(name, hello_cursor, flight.size, want, "a.example");
	check_one(name, hello_bearssl, flight.size, want, "a.example");
}

/* First flights of real clients; capture.py there tells how they came. */
START_TEST(test_corpus)
{
	const char    *dir = getenv("HELLOS");
	struct dirent *entry;
	int	       files = 0;
	DIR	      *hellos;

	if (dir == NULL)
		dir = "tests/hellos";
	hellos = opendir(dir);
	ck_assert_msg(hellos != NULL, "%s", dir);
	while ((entry = readdir(hellos)) != NULL) {
		if (strchr(entry->d_name, '.') != NULL)
			continue;
		check_file(dir, entry->d_name);
		files++;
	}
	(void)closedir(hellos);
	ck_assert_int_ge(files, 20);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("hello");
	TCase	*tests = tcase_create("hello");
	SRunner *runner = srunner_create(suite);
	int	 failed;

	tcase_set_timeout(tests, 120);
	tcase_add_loop_test(tests, test_table, 0,
	    (int)(sizeof(rows) / sizeof(*rows)));
	tcase_add_test(tests, test_acme);
	tcase_add_test(tests, test_name_sizes);
	tcase_add_test(tests, test_truncated);
	tcase_add_test(tests, test_versions_of_records);
	tcase_add_test(tests, test_many_extensions);
	tcase_add_test(tests, test_mutations);
	tcase_add_test(tests, test_corpus);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
