/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/common/hostname.h"

#define L10 "abcdefghij"
#define L60 L10 L10 L10 L10 L10 L10
#define L61 L60 "k"
#define L63 L60 "klm"
#define L64 L60 "klmn"
#define T192 L63 "." L63 "." L63 "."	/* three labels and their dots */

#define BYTES(literal) literal, sizeof(literal) - 1
#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* Bytes and the name they are; NULL when they are none. */
struct parse_case {
	const char	*bytes;
	size_t		 n;
	const char	*text;
};

static const struct parse_case good[] = {
	{ BYTES("a"), "a" },
	{ BYTES("localhost"), "localhost" },
	{ BYTES("www.example.com"), "www.example.com" },
	{ BYTES("www.example.com."), "www.example.com" },
	{ BYTES("WWW.Example.COM"), "www.example.com" },
	{ BYTES("AZ.az.09.x"), "az.az.09.x" },
	{ BYTES("a-b.c--d"), "a-b.c--d" },
	{ BYTES("xn--bcher-kva.example"), "xn--bcher-kva.example" },
	{ BYTES("1.a"), "1.a" },
	{ BYTES("1.2.3.a"), "1.2.3.a" },
	{ BYTES("a.1b"), "a.1b" },
	{ BYTES("a.b1"), "a.b1" },
	{ BYTES("a.1-1"), "a.1-1" },
	{ BYTES("3com.com"), "3com.com" },

	/* a label of 63 */
	{ BYTES(L63), L63 },
	{ BYTES(L63 ".com"), L63 ".com" },
	{ BYTES("www." L63), "www." L63 },

	/* 253 in all, and 254 of which the last is the dot */
	{ BYTES(T192 L61), T192 L61 },
	{ BYTES(T192 L61 "."), T192 L61 }
};

static const struct parse_case bad[] = {
	{ BYTES(""), NULL },
	{ BYTES("."), NULL },
	{ BYTES(".."), NULL },
	{ BYTES("..."), NULL },
	{ BYTES(".a"), NULL },
	{ BYTES("a.."), NULL },
	{ BYTES("a..b"), NULL },
	{ BYTES("../a"), NULL },

	/* lengths: label, total, total with the dot, far beyond */
	{ BYTES(L64), NULL },
	{ BYTES(L64 ".com"), NULL },
	{ BYTES("www." L64), NULL },
	{ BYTES(T192 L61 "k"), NULL },
	{ BYTES(T192 L61 "k."), NULL },
	{ BYTES(T192 L61 ".."), NULL },
	{ BYTES(T192 T192), NULL },

	/* hyphens at an edge of a label */
	{ BYTES("-"), NULL },
	{ BYTES("-a"), NULL },
	{ BYTES("a-"), NULL },
	{ BYTES("a.-b"), NULL },
	{ BYTES("a-.b"), NULL },
	{ BYTES("a.b-."), NULL },

	/* a last label that reads as a number */
	{ BYTES("1"), NULL },
	{ BYTES("1."), NULL },
	{ BYTES("123456789"), NULL },
	{ BYTES("1.2.3.4"), NULL },
	{ BYTES("1.2.3.4."), NULL },
	{ BYTES("a.1"), NULL },
	{ BYTES("www.example.007"), NULL },

	/* bytes that no host name has */
	{ BYTES("a_b"), NULL },
	{ BYTES("_acme.example.com"), NULL },
	{ BYTES("*.example.com"), NULL },
	{ BYTES("a\0"), NULL },
	{ BYTES("\0a"), NULL },
	{ BYTES("a\0b"), NULL },
	{ BYTES("a.com\0.b.com"), NULL },
	{ BYTES("/"), NULL },
	{ BYTES("a/b"), NULL },
	{ BYTES("/etc/passwd"), NULL },
	{ BYTES("a\\b"), NULL },
	{ BYTES("%2e%2e"), NULL },
	{ BYTES("a%00"), NULL },
	{ BYTES(" a"), NULL },
	{ BYTES("a "), NULL },
	{ BYTES("a b"), NULL },
	{ BYTES("a\t"), NULL },
	{ BYTES("a\n"), NULL },
	{ BYTES("a\r\n"), NULL },
	{ BYTES("a\x7f"), NULL },
	{ BYTES("a:443"), NULL },
	{ BYTES("a@b"), NULL },
	{ BYTES("a,b"), NULL },
	{ BYTES("[::1]"), NULL },
	{ BYTES("::1"), NULL },
	{ BYTES("b\xc3\xbc" "cher.example"), NULL },
	{ BYTES("\xe3\x80\x82" "a"), NULL },	/* ideographic full stop */
	{ BYTES("\xe1.example"), NULL },
	{ BYTES("a\xff"), NULL }
};

/* What another process may claim; the rest of text is NUL. */
static const struct parse_case claims[] = {
	{ BYTES("a"), "a" },
	{ BYTES("www.example.com"), "www.example.com" },
	{ BYTES(T192 L61), T192 L61 },
	{ BYTES(""), NULL },
	{ BYTES("WWW.example.com"), NULL },
	{ BYTES("www.example.coM"), NULL },
	{ BYTES("www.example.com."), NULL },
	{ BYTES("."), NULL },
	{ BYTES(".."), NULL },
	{ BYTES("../a"), NULL },
	{ BYTES("1.2.3.4"), NULL },
	{ BYTES("a_b"), NULL },
	{ BYTES("\0www.example.com"), NULL },
	{ BYTES("www.example.com\0x"), NULL },
	{ BYTES("www.example.com\0\0\0x"), NULL },

	/* all 254 bytes taken, so no NUL at all */
	{ BYTES(T192 L61 "k"), NULL },
	{ BYTES(T192 L61 "."), NULL }
};

static void
assert_all_nul(const struct hostname *name)
{
	static const struct hostname nothing;

	ck_assert_mem_eq(name, &nothing, sizeof(nothing));
}

/* Text and padding are as wanted, to the last byte. */
static void
assert_name(const struct hostname *name, const char *text)
{
	struct hostname wanted;

	memset(&wanted, 0, sizeof(wanted));
	ck_assert_uint_lt(strlen(text), sizeof(wanted.text));
	memcpy(wanted.text, text, strlen(text));
	ck_assert_mem_eq(name, &wanted, sizeof(wanted));
}

/*
 * Parses a copy of just n bytes, so that the sanitizer sees a read beyond
 * them, into a name full of old bytes.
 */
static int
parse(struct hostname *name, const char *bytes, size_t n)
{
	uint8_t	*copy;
	int	 result;

	ck_assert_ptr_nonnull(copy = malloc(n == 0 ? 1 : n));
	memcpy(copy, bytes, n);
	memset(name, 'x', sizeof(*name));
	result = hostname_parse(name, copy, n);
	free(copy);
	return result;
}

START_TEST(parse_good)
{
	struct hostname name;

	ck_assert_int_eq(parse(&name, good[_i].bytes, good[_i].n), 0);
	assert_name(&name, good[_i].text);
}
END_TEST

START_TEST(parse_bad)
{
	struct hostname name;

	ck_assert_int_eq(parse(&name, bad[_i].bytes, bad[_i].n), -1);
	assert_all_nul(&name);
}
END_TEST

/* The lengths that the macros above are meant to have. */
START_TEST(table_lengths)
{
	ck_assert_uint_eq(strlen(L63), 63);
	ck_assert_uint_eq(strlen(L64), 64);
	ck_assert_uint_eq(strlen(T192 L61), HOSTNAME_MAX);
}
END_TEST

/* Every byte, alone between two letters: 38 are legal there, 26 folded. */
START_TEST(parse_every_byte)
{
	static const char	legal[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
	struct hostname		name;
	char			bytes[3] = { 'a', (char)_i, 'a' };
	int			wanted;

	wanted = memchr(legal, _i, sizeof(legal) - 1) == NULL ? -1 : 0;
	ck_assert_int_eq(parse(&name, bytes, sizeof(bytes)), wanted);
}
END_TEST

/* What parses once parses again to the same. */
START_TEST(parse_twice)
{
	struct hostname once, twice;

	ck_assert_int_eq(parse(&once, good[_i].bytes, good[_i].n), 0);
	ck_assert_int_eq(parse(&twice, once.text, strlen(once.text)), 0);
	ck_assert_mem_eq(&once, &twice, sizeof(once));
}
END_TEST

START_TEST(check_claim)
{
	const struct parse_case	*claim = &claims[_i];
	struct hostname		 claimed, name;

	memset(&name, 'x', sizeof(name));
	memset(&claimed, 0, sizeof(claimed));
	ck_assert_uint_le(claim->n, sizeof(claimed.text));
	memcpy(claimed.text, claim->bytes, claim->n);
	if (claim->text == NULL) {
		ck_assert_int_eq(hostname_check(&name, &claimed), -1);
		assert_all_nul(&name);
		return;
	}
	ck_assert_int_eq(hostname_check(&name, &claimed), 0);
	assert_name(&name, claim->text);
}
END_TEST

/* One byte in the padding, wherever it is, spoils the claim. */
START_TEST(check_padding)
{
	struct hostname claimed, name;

	memset(&claimed, 0, sizeof(claimed));
	claimed.text[0] = 'a';
	claimed.text[_i] = 'x';
	ck_assert_int_eq(hostname_check(&name, &claimed), -1);
	assert_all_nul(&name);
}
END_TEST

START_TEST(parent)
{
	struct hostname name;

	ck_assert_int_eq(parse(&name, BYTES("www.example.com")), 0);
	ck_assert_str_eq(hostname_parent(&name), "example.com");
	ck_assert_ptr_eq(hostname_parent(&name), name.text + 4);
	ck_assert_int_eq(parse(&name, BYTES("example.com")), 0);
	ck_assert_str_eq(hostname_parent(&name), "com");
	ck_assert_int_eq(parse(&name, BYTES("com")), 0);
	ck_assert_ptr_null(hostname_parent(&name));
	ck_assert_int_eq(parse(&name, BYTES("com.")), 0);
	ck_assert_ptr_null(hostname_parent(&name));
	memset(&name, 0, sizeof(name));
	ck_assert_ptr_null(hostname_parent(&name));
}
END_TEST

static const struct {
	const char		*text;
	enum hostname_fault	 fault;
} faults[] = {
	{ "a.example", HOSTNAME_NO_FAULT }, { "A.example.", HOSTNAME_NO_FAULT },
	{ "", HOSTNAME_EMPTY }, { ".", HOSTNAME_EMPTY },
	{ "b\xc3\xbc.example", HOSTNAME_NOT_ASCII },
	{ "_\xff:/", HOSTNAME_NOT_ASCII },
	{ "a.example:443", HOSTNAME_PORT }, { "::1", HOSTNAME_PORT },
	{ "my_app.example", HOSTNAME_UNDERSCORE }, { "_", HOSTNAME_UNDERSCORE },
	{ "a/b", HOSTNAME_CHARACTER }, { "a b", HOSTNAME_CHARACTER },
	{ "*.example", HOSTNAME_CHARACTER }, { "a%2e", HOSTNAME_CHARACTER },
	{ "..", HOSTNAME_EMPTY_LABEL }, { ".a", HOSTNAME_EMPTY_LABEL },
	{ "a..b", HOSTNAME_EMPTY_LABEL }, { "a..", HOSTNAME_EMPTY_LABEL },
	{ "-a.example", HOSTNAME_HYPHEN }, { "a.b-", HOSTNAME_HYPHEN },
	{ "-", HOSTNAME_HYPHEN }, { "-a..b", HOSTNAME_EMPTY_LABEL },
	{ "127.0.0.1", HOSTNAME_DIGITS }, { "app.1", HOSTNAME_DIGITS },
	{ "1", HOSTNAME_DIGITS },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b",
	    HOSTNAME_LONG_LABEL },
};

START_TEST(fault_told)
{
	ck_assert_int_eq(hostname_fault((const uint8_t *)faults[_i].text,
	    strlen(faults[_i].text)), faults[_i].fault);
}
END_TEST

START_TEST(fault_of_a_long_name)
{
	uint8_t	bytes[HOSTNAME_MAX + 1];
	size_t	i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = i % 2 == 0 ? 'a' : '.';
	ck_assert_int_eq(hostname_fault(bytes, sizeof(bytes)),
	    HOSTNAME_NO_FAULT);		/* its last dot does not count */
	bytes[HOSTNAME_MAX] = 'a';
	ck_assert_int_eq(hostname_fault(bytes, sizeof(bytes)), HOSTNAME_LONG);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("hostname");
	TCase	*tests = tcase_create("hostname");
	SRunner	*runner;
	int	 failed;

	tcase_add_test(tests, table_lengths);
	tcase_add_loop_test(tests, parse_good, 0, COUNT(good));
	tcase_add_loop_test(tests, parse_bad, 0, COUNT(bad));
	tcase_add_loop_test(tests, parse_every_byte, 0, 256);
	tcase_add_loop_test(tests, parse_twice, 0, COUNT(good));
	tcase_add_loop_test(tests, check_claim, 0, COUNT(claims));
	tcase_add_loop_test(tests, check_padding, 2, HOSTNAME_MAX + 1);
	tcase_add_test(tests, parent);
	tcase_add_loop_test(tests, fault_told, 0, COUNT(faults));
	tcase_add_test(tests, fault_of_a_long_name);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
