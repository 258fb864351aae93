/* SPDX-License-Identifier: ISC */
/*
 * Request heads.  Every input of every table is also cut at every byte: the
 * answer must not depend on how the bytes came.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/parser/authority.h"
#include "../../src/parser/request.h"

#define WORDS(a)	(sizeof(a) / sizeof((a)[0]))
#define HOST		"Host: a.example\r\n"

enum { MUTANTS = 200 * 1000, MUTANT_MAX = 2048 };

struct refused {
	enum request_state	 state;
	const char		*text;
	size_t			 n;	/* 0: up to the NUL */
};

struct taken {
	const char		*text;
	const char		*name;	/* NULL: nameless, "": bad name */
	enum request_body	 body;
	uint64_t		 length;
	bool			 last;
};

/* ck_assert() writes to a pipe each time: too slow for a loop of millions. */
static void
expect(bool holds, const char *what)
{
	if (!holds)
		ck_abort_msg("%s", what);
}

/* Parses a copy that ends where it ends, so that ASan sees a read too far. */
static enum request_state
parse(const void *bytes, size_t n, struct request *request)
{
	enum request_state	 state;
	uint8_t			*copy;

	copy = malloc(n == 0 ? 1 : n);
	expect(copy != NULL, "memory");
	memcpy(copy, bytes, n);
	memset(request, 0xa5, sizeof(*request));
	state = request_parse(copy, n, request);
	free(copy);
	return state;
}

static bool
same(const struct request *a, const struct request *b)
{
	return a->target == b->target && a->size == b->size &&
	    a->body == b->body && a->length == b->length &&
	    a->last == b->last && a->http10 == b->http10 &&
	    a->head == b->head && a->upgrade == b->upgrade &&
	    a->expect == b->expect &&
	    memcmp(&a->name, &b->name, sizeof(a->name)) == 0;
}

/* What must hold of any answer. */
static void
sound(enum request_state state, const struct request *request, size_t n)
{
	static const struct request	none;
	struct hostname			name;

	if (state != REQUEST_WHOLE) {
		expect(same(request, &none), "all zero");
		return;
	}
	expect(request->size > 0 && request->size <= n &&
	    request->size <= REQUEST_HEAD_MAX, "size of the head");
	expect((request->body == BODY_LENGTH) == (request->length > 0) &&
	    request->length <= INT64_MAX, "length of the body");
	if (request->target == TARGET_NAMED)
		expect(hostname_check(&name, &request->name) == 0, "name");
	else
		expect(memcmp(&request->name, &none.name,
		    sizeof(name)) == 0, "no name");
}

/* The first k bytes say what all n of them say, or ask for more. */
static void
cut(const void *bytes, size_t n, size_t k)
{
	enum request_state	state, whole;
	struct request		request, full;

	whole = parse(bytes, n, &full);
	state = parse(bytes, k, &request);
	sound(whole, &full, n);
	sound(state, &request, k);
	if (state == REQUEST_PART)
		expect(whole != REQUEST_WHOLE || k < full.size, "whole");
	else
		expect(state == whole && same(&request, &full), "the same");
}

static void
cut_everywhere(const void *bytes, size_t n)
{
	size_t k;

	for (k = 0; k <= n; k++)
		cut(bytes, n, k);
}

static const struct taken heads[] = {
	{ "GET / HTTP/1.1\r\n" HOST "\r\n", "a.example", 0, 0, false },
	{ "GET / HTTP/1.9\r\n" HOST "\r\n", "a.example", 0, 0, false },
	{ "GET / HTTP/1.1\r\nHOST:\t A.Example.\t \r\n\r\n", "a.example",
	    0, 0, false },
	{ "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "a.example", 0, 0, false },
	{ "get /?a=\"{|}\\ HTTP/1.1\r\n" HOST "\r\n", "a.example", 0, 0,
	    false },
	{ "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "a.example", 0, 0, false },
	{ "GET http://A.example HTTP/1.1\r\n" HOST "\r\n", "a.example", 0, 0,
	    false },
	{ "GET HTTPS://a.example.?x/@y HTTP/1.1\r\n" HOST "\r\n", "a.example",
	    0, 0, false },
	{ "GET http://[::A]:81/ HTTP/1.1\r\nHost: [::a]:81\r\n\r\n", NULL,
	    0, 0, false },
	/* a port that is left out is the scheme's, RFC 9110 section 4.2.3 */
	{ "GET http://a.example:80/ HTTP/1.1\r\n" HOST "\r\n", "a.example",
	    0, 0, false },
	{ "GET https://a.example:443/ HTTP/1.1\r\n" HOST "\r\n",
	    "a.example", 0, 0, false },
	{ "GET http://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n", "a", 0, 0, 0 },
	{ "GET http://a:080/ HTTP/1.1\r\nHost: a:\r\n\r\n", "a", 0, 0,
	    false },
	{ "GET http://a_B/ HTTP/1.1\r\nHost: A_b\r\n\r\n", "", 0, 0, false },
	{ "GET //other.example/ HTTP/1.1\r\n" HOST "\r\n", "a.example", 0, 0,
	    false },
	/* fields that say nothing to us, obs-text in a value */
	{ "GET / HTTP/1.1\r\n" HOST "Accept:\r\nX: \t\xe4\"\x80\r\n\r\n",
	    "a.example", 0, 0, false },
	{ "GET / HTTP/1.1\r\n" HOST "!#$%&'*+-.^_`|~: 1\r\n\r\n",
	    "a.example", 0, 0, false },
	/* HTTP/1.0 */
	{ "GET / HTTP/1.0\r\n\r\n", NULL, 0, 0, true },
	{ "GET / HTTP/1.0\r\n" HOST "\r\n", "a.example", 0, 0, true },
	{ "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n" HOST "\r\n",
	    "a.example", 0, 0, false },
	{ "GET / HTTP/1.0\r\nConnection: close, keep-alive\r\n\r\n", NULL,
	    0, 0, true },
	/* Host */
	{ "GET / HTTP/1.1\r\nHost: a:0\r\n\r\n", "a", 0, 0, false },
	{ "GET / HTTP/1.1\r\nHost: a:\r\n\r\n", "a", 0, 0, false },
	{ "GET / HTTP/1.1\r\nHost: a:65535\r\n\r\n", "a", 0, 0, false },
	{ "GET / HTTP/1.1\r\nHost: a:000080\r\n\r\n", "a", 0, 0, false },
	{ "GET / HTTP/1.1\r\nHost:\r\n\r\n", NULL, 0, 0, false },
	{ "GET / HTTP/1.1\r\nHost:  \r\n\r\n", NULL, 0, 0, false },
	{ "GET / HTTP/1.1\r\nHost: :80\r\n\r\n", NULL, 0, 0, false },
	{ "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n", NULL, 0, 0,
	    false },
	{ "GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n", NULL, 0, 0, false },
	{ "GET / HTTP/1.1\r\nHost: [::ffff:1.2.3.4]:80\r\n\r\n", NULL, 0, 0,
	    false },
	{ "GET / HTTP/1.1\r\nHost: 256.0.0.1\r\n\r\n", "", 0, 0, false },
	{ "GET / HTTP/1.1\r\nHost: 01.2.3.4\r\n\r\n", "", 0, 0, false },
	{ "GET / HTTP/1.1\r\nHost: 1.2.3\r\n\r\n", "", 0, 0, false },
	{ "GET / HTTP/1.1\r\nHost: a_b.example\r\n\r\n", "", 0, 0, false },
	{ "GET / HTTP/1.1\r\nHost: ..\r\n\r\n", "", 0, 0, false },
	{ "GET / HTTP/1.1\r\nHost: .\r\n\r\n", "", 0, 0, false },
	{ "GET / HTTP/1.1\r\nHost: a..b\r\n\r\n", "", 0, 0, false },
	{ "GET / HTTP/1.1\r\nHost: %2e%2E\r\n\r\n", "", 0, 0, false },
	{ "GET / HTTP/1.1\r\nHost: -a.example\r\n\r\n", "", 0, 0, false },
	{ "GET / HTTP/1.1\r\nHost: a;b=(c)\r\n\r\n", "", 0, 0, false },
	/* bodies */
	{ "PUT / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "a.example",
	    BODY_NONE, 0, false },
	{ "PUT / HTTP/1.1\r\n" HOST "content-LENGTH:007\t\r\n\r\nGET",
	    "a.example", BODY_LENGTH, 7, false },
	{ "PUT / HTTP/1.0\r\n" HOST "Content-Length: 7\r\n\r\n", "a.example",
	    BODY_LENGTH, 7, true },
	{ "PUT / HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775807\r\n"
	    "\r\n", "a.example", BODY_LENGTH, INT64_MAX, false },
	{ "PUT / HTTP/1.1\r\nTransfer-Encoding: \tChunked \r\n" HOST "\r\n0",
	    "a.example", BODY_CHUNKED, 0, false },
	/* Connection and Upgrade */
	{ "GET / HTTP/1.1\r\n" HOST "Connection: ,, TE ,CLOSE\r\n\r\n",
	    "a.example", 0, 0, true },
	{ "GET / HTTP/1.1\r\n" HOST "Connection:\r\n\r\n", "a.example", 0, 0,
	    false },
	{ "GET / HTTP/1.1\r\n" HOST "Connection: a\r\nConnection: close\r\n"
	    "\r\n", "a.example", 0, 0, true },
	{ "GET / HTTP/1.1\r\n" HOST "Connection: keep-alive, Upgrade\r\n"
	    "Upgrade: websocket\r\n\r\n", "a.example", 0, 0, false },
	{ "GET / HTTP/1.1\r\n" HOST "Upgrade: h2c\r\nConnection: HTTP2-Settin"
	    "gs\r\nConnection: upgrade\r\nContent-Length: 4\r\n\r\n",
	    "a.example", BODY_LENGTH, 4, false },
	{ "GET / HTTP/1.1\r\n" HOST "Upgrade: websocket\r\n\r\n", "a.example",
	    0, 0, false },
	{ "GET / HTTP/1.1\r\n" HOST "Upgrade:\r\nConnection: upgrade\r\n\r\n",
	    "a.example", 0, 0, false },
	{ "GET / HTTP/1.0\r\n" HOST "Upgrade: a\r\nConnection: upgrade\r\n"
	    "\r\n", "a.example", 0, 0, true },
};

START_TEST(head_taken)
{
	const struct taken	*taken = &heads[_i];
	struct request		 request;
	size_t			 n = strlen(taken->text);

	ck_assert_int_eq(parse(taken->text, n, &request), REQUEST_WHOLE);
	if (taken->name == NULL)
		ck_assert_int_eq(request.target, TARGET_NAMELESS);
	else if (taken->name[0] == '\0')
		ck_assert_int_eq(request.target, TARGET_BAD_NAME);
	else
		ck_assert_str_eq(request.name.text, taken->name);
	ck_assert_int_eq(request.body, taken->body);
	ck_assert_uint_eq(request.length, taken->length);
	ck_assert_int_eq(request.last, taken->last);
	ck_assert_ptr_eq(taken->text + request.size - 4,
	    strstr(taken->text, "\r\n\r\n") == taken->text ?
	    strstr(taken->text + 4, "\r\n\r\n") :
	    strstr(taken->text, "\r\n\r\n"));
	cut_everywhere(taken->text, n);
}
END_TEST

/* A request line, a field, a Host, a target: with what belongs around it. */
#define BAD(text)	{ REQUEST_BAD, text, sizeof(text) - 1 }
#define LINE(line)	BAD(line "\r\n" HOST "\r\n")
#define FIELD(line)	BAD("PUT / HTTP/1.1\r\n" HOST line "\r\n\r\n")
#define NAME(host)	BAD("GET / HTTP/1.1\r\nHost: " host "\r\n\r\n")
#define CODING(line)	{ REQUEST_CODING, "PUT / HTTP/1.1\r\n" HOST	\
			    "Transfer-Encoding: " line "\r\n\r\n", 0 }

static const struct refused heads_refused[] = {
	/* the request line */
	BAD("\x16\x03"), BAD("\x80"), BAD("\n"), BAD("\rG"), BAD(" "),
	BAD("\r\n\r\n\r\n\r\n\r"), BAD("GET\n"), BAD("GET \t"), BAD("GET  "),
	BAD("GET /\r"), BAD("GET / HTTP/1.1\n"), BAD("GET / HTTP/1.1 "),
	BAD("GET / http"), BAD("GET / HTTP/11"), BAD("GET / HTTP/1.10"),
	BAD("GET / HTTP/1.1\r\r"), BAD("GET /\0"),
	BAD("GET /a#"),			/* haproxy CVE-2023-45539 */
	BAD("GET /\x7f"), BAD("GET /\x80"), BAD("GET\t"), BAD("G(T"),
	BAD("GET / HTTP/1.1\r\n "), BAD("GET / HTTP/1.1\r\n\t"),
	LINE("GET a.example:80 HTTP/1.1"), LINE("GET * HTTP/1.1"),
	LINE("options * HTTP/1.1"), LINE("OPTIONS ** HTTP/1.1"),
	LINE("PRI * HTTP/1.1"), LINE("GET index HTTP/1.1"),
	LINE("GET ftp://a.example/ HTTP/1.1"),
	/* the absolute form */
	LINE("GET http:// HTTP/1.1"), LINE("GET http:/// HTTP/1.1"),
	LINE("GET http:/a.example/ HTTP/1.1"),
	LINE("GET http://b.example/ HTTP/1.1"),
	LINE("GET http://a.example:8080/ HTTP/1.1"),
	LINE("GET https://a.example:80/ HTTP/1.1"),
	LINE("GET http://u@a.example/ HTTP/1.1"),
	LINE("GET http://a.example\\@b/ HTTP/1.1"),
	LINE("GET http://:80/ HTTP/1.1"),
	BAD("GET http://a/ HTTP/1.1\r\nHost: a:443\r\n\r\n"),
	BAD("GET https://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n"),
	BAD("GET http://[::1]/ HTTP/1.1\r\nHost: [::2]\r\n\r\n"),
	BAD("GET http://a_b/ HTTP/1.1\r\nHost: a_c\r\n\r\n"),
	BAD("GET http://a_b/ HTTP/1.1\r\nHost: a_bc\r\n\r\n"),
	BAD("GET http://a:80/ HTTP/1.1\r\nHost: a:81\r\n\r\n"),
	BAD("GET http:/// HTTP/1.1\r\nHost:\r\n\r\n"),
	BAD("GET http://a/ HTTP/1.0\r\n\r\n"),
	/* CONNECT, versions */
	{ REQUEST_CONNECT, "CONNECT a:443 HTTP/1.1\r\n", 0 },
	{ REQUEST_CONNECT, "CONNECT [::1]:443 HTTP/1.0\r\n", 0 },
	LINE("CONNECT / HTTP/1.1"), LINE("CONNECT a HTTP/1.1"),
	LINE("CONNECT a: HTTP/1.1"), LINE("CONNECT :1 HTTP/1.1"),
	LINE("connect a:443 HTTP/1.1"), LINE("CONNECT u@a:1 HTTP/1.1"),
	{ REQUEST_VERSION, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0 },
	{ REQUEST_VERSION, "GET / HTTP/0.9\r\n", 0 },
	{ REQUEST_VERSION, "CONNECT a:1 HTTP/3.0\r\n", 0 },
	/* Host */
	BAD("GET / HTTP/1.1\r\n\r\n"), FIELD(HOST), FIELD("host: b"),
	BAD("GET / HTTP/1.0\r\n" HOST HOST "\r\n"), NAME("a, b"), NAME("a,b"),
	NAME("u@a"), NAME("a b"), NAME("a/b"), NAME("a\\b"), NAME("a?"),
	NAME("a#b"), NAME("\xc3\xa4"), NAME("a:b"), NAME("a:80:80"),
	NAME("a:65536"), NAME("a:4294967376"), NAME("a:+80"),
	NAME("a: 80"), NAME("a :80"), NAME("::1"), NAME("[::1"), NAME("[]"),
	NAME("[1]"), NAME("[::g]"), NAME("[::1]a"), NAME("[::1%25e]"),
	NAME("[v1.a:b:c]"), NAME("["), NAME("]"), NAME("a%"), NAME("a%2"),
	NAME("a%2g"), NAME("http://a"), NAME("\"a\""), NAME("a:80 b"),
	/* sniproxy CVE-2023-25076: longer than any address */
	NAME("[0000000000000000000000000000000000000000000000::]"),
	/* field lines */
	FIELD(": x"),			/* haproxy CVE-2023-25725 */
	FIELD("X : 1"), FIELD("X\t: 1"), FIELD("X 1"),
	FIELD("X"), FIELD(" X: 1"), FIELD("X: 1\r\n 2"), FIELD("X: 1\r\n\t2"),
	FIELD("X: 1\n"), FIELD("X: 1\r2"), FIELD("X: \0"), FIELD("X\0: "),
	FIELD("X: \x01"), FIELD("X: \x7f"), FIELD("X: \x0b"), FIELD("\x80: 1"),
	FIELD("X(: 1"), FIELD("X: 1\r\n\n"), FIELD("X: 1\r\n\rX"),
	/* Content-Length */
	FIELD("Content-Length:"),	/* haproxy CVE-2023-40225 */
	FIELD("Content-Length: \t"),
	FIELD("Content-Length: +1"), FIELD("Content-Length: -0"),
	FIELD("Content-Length: 1,1"), FIELD("Content-Length: 1 1"),
	FIELD("Content-Length: 0x1"), FIELD("Content-Length: 1\x80"),
	FIELD("Content-Length: 9223372036854775808"),
	FIELD("Content-Length: 18446744073709551616"),
	FIELD("Content-Length: 1\r\nContent-Length: 1"),
	FIELD("Content-Length: 0\r\ncontent-length: 0"),
	FIELD("Content-Length: 1\r\nTransfer-Encoding: chunked"),
	FIELD("Content-Length: 0\r\nTransfer-Encoding: gzip"),
	FIELD("Transfer-Encoding: chunked\r\nContent-Length: 0"),
	/* Transfer-Encoding */
	FIELD("Transfer-Encoding:"), FIELD("Transfer-Encoding: ,"),
	FIELD("Transfer-Encoding: chunked,"),
	FIELD("Transfer-Encoding: ,chunked"),
	FIELD("Transfer-Encoding: chunked, chunked"),
	FIELD("Transfer-Encoding: chunked, gzip"),
	FIELD("Transfer-Encoding: chunked;a=b"),
	FIELD("Transfer-Encoding: \"chunked\""),
	FIELD("Transfer-Encoding: chunked x"),
	FIELD("Transfer-Encoding: \xa0" "chunked"),
	FIELD("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
	FIELD("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip"),
	BAD("PUT / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"),
	CODING("gzip"), CODING("gzip, chunked"), CODING("identity"),
	CODING("xchunked"), CODING("chunke"), CODING("chunkedx"),
	/* Connection; the framing of an Upgrade counts too */
	FIELD("Connection: close;"), FIELD("Connection: a b"),
	FIELD("Connection: \"close\""),
	FIELD("Upgrade: a\r\nConnection: upgrade\r\nContent-Length: 1\r\n"
	    "Transfer-Encoding: chunked"),
	FIELD("Upgrade: a\r\nConnection: upgrade\r\nContent-Length: x"),
};

START_TEST(head_refused)
{
	const struct refused	*refused = &heads_refused[_i];
	struct request		 request;
	size_t			 n = refused->n;

	if (n == 0)
		n = strlen(refused->text);
	ck_assert_msg(parse(refused->text, n, &request) == refused->state,
	    "%s", refused->text);
	cut_everywhere(refused->text, n);
}
END_TEST

/* A head of just n bytes: one long field. */
static uint8_t *
long_head(size_t n)
{
	static const char	 start[] = "GET / HTTP/1.1\r\n" HOST "X: ";
	uint8_t			*head;

	head = malloc(n);
	ck_assert_ptr_nonnull(head);
	memset(head, 'x', n);
	memcpy(head, start, sizeof(start) - 1);
	memcpy(head + n - 4, "\r\n\r\n", 4);
	return head;
}

START_TEST(head_size)
{
	struct request	 request;
	size_t		 max = REQUEST_HEAD_MAX;
	uint8_t		*head;

	head = long_head(max);
	ck_assert_int_eq(parse(head, max, &request), REQUEST_WHOLE);
	ck_assert_uint_eq(request.size, max);
	ck_assert_int_eq(parse(head, max - 1, &request), REQUEST_PART);
	free(head);
	head = long_head(max + 1);
	ck_assert_int_eq(parse(head, max - 1, &request), REQUEST_PART);
	ck_assert_int_eq(parse(head, max, &request), REQUEST_TOO_LARGE);
	ck_assert_int_eq(parse(head, max + 1, &request), REQUEST_TOO_LARGE);
	free(head);
	/* haproxy CVE-2021-40346: a name longer than its length field */
	head = long_head(3 * max);
	memcpy(head + 16, "Content-Length", 14);
	memset(head + 30, 'a', 3 * max - 34);
	ck_assert_int_eq(parse(head, 3 * max, &request), REQUEST_TOO_LARGE);
	free(head);
}
END_TEST

START_TEST(head_fields)
{
	struct request	request;
	char		head[2048];
	size_t		n, i;

	n = (size_t)snprintf(head, sizeof(head), "GET / HTTP/1.1\r\n" HOST);
	for (i = 1; i < REQUEST_FIELDS_MAX; i++)
		n += (size_t)snprintf(head + n, sizeof(head) - n, "X: 1\r\n");
	memcpy(head + n, "\r\n", 2);
	ck_assert_int_eq(parse(head, n + 2, &request), REQUEST_WHOLE);
	ck_assert_int_eq(parse(head, n, &request), REQUEST_PART);
	memcpy(head + n, "Y", 1);
	ck_assert_int_eq(parse(head, n + 1, &request), REQUEST_TOO_LARGE);
	cut_everywhere(head, n + 1);
}
END_TEST

/* The table of octets against the grammar, byte by byte. */
START_TEST(octet_classes)
{
	static const char alnum[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	uint8_t c = (uint8_t)_i;
	bool	word, text;

	word = c != 0 && strchr(alnum, c) != NULL;
	text = c > 0x20 && c < 0x7f;
	ck_assert_uint_eq(octet_run(&c, 1, OCTET_TOKEN),
	    word || (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL));
	ck_assert_uint_eq(octet_run(&c, 1, OCTET_VALUE),
	    text || c == ' ' || c == '\t' || c >= 0x80);
	ck_assert_uint_eq(octet_run(&c, 1, OCTET_TARGET), text && c != '#');
	ck_assert_uint_eq(octet_run(&c, 1, OCTET_NAME),
	    word || (c != 0 && strchr("-._~!$&'()*+;=", c) != NULL));
}
END_TEST

/* Changes up to four places; the seed is fixed, so that a failure returns. */
static size_t
mutate(uint8_t *bytes, size_t n)
{
	static const char	spice[] = "\r\n\r\n \t:,;#@[]%\0\x80/0";
	size_t			at, i, len;

	for (i = (size_t)rand() % 4 + 1; i > 0 && n > 1; i--) {
		at = (size_t)rand() % n;
		len = (size_t)rand() % (n - at < 40 ? n - at : 40);
		switch (rand() % 4) {
		case 0:
			bytes[at] = (uint8_t)rand();
			break;
		case 1:
			bytes[at] = (uint8_t)spice[(size_t)rand() %
			    sizeof(spice)];
			break;
		case 2:
			memmove(bytes + at, bytes + at + len, n - at - len);
			n -= len;
			break;
		case 3:
			if (n + len > MUTANT_MAX)
				break;
			memmove(bytes + at + len, bytes + at, n - at);
			n += len;
			break;
		}
	}
	return n;
}

START_TEST(mutants)
{
	uint8_t		bytes[MUTANT_MAX];
	const char	*text;
	size_t		i, n;

	srand(9112);
	for (i = 0; i < MUTANTS; i++) {
		text = heads[i % WORDS(heads)].text;
		n = strlen(text);
		memcpy(bytes, text, n);
		n = mutate(bytes, n);
		cut(bytes, n, (size_t)rand() % (n + 1));
		cut(bytes, n, n - 1);
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

	suite = suite_create("request");
	tcase = tcase_create("heads");
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, head_taken, 0, (int)WORDS(heads));
	tcase_add_loop_test(tcase, head_refused, 0,
	    (int)WORDS(heads_refused));
	tcase_add_test(tcase, head_size);
	tcase_add_test(tcase, head_fields);
	tcase_add_loop_test(tcase, octet_classes, 0, 256);
	tcase_add_test(tcase, mutants);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
