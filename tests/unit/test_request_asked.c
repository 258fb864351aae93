/* SPDX-License-Identifier: ISC */
/*
 * What a request head says about its response, and about when its body comes.
 */
#include <check.h>
#include <string.h>

#include "../../src/parser/request.h"

#define HOST		"Host: a.example\r\n"

/* What the response, and the body of a request, hang on. */
static const struct asked {
	const char	*text;
	bool		 head;
	bool		 upgrade;
	bool		 expect;
	bool		 http10;
} asked[] = {
	{ "GET / HTTP/1.1\r\n" HOST "\r\n", false, false, false, false },
	{ "HEAD / HTTP/1.1\r\n" HOST "\r\n", true, false, false, false },
	{ "HEAD / HTTP/1.0\r\n" HOST "\r\n", true, false, false, true },
	{ "head / HTTP/1.1\r\n" HOST "\r\n", false, false, false, false },
	{ "HEADS / HTTP/1.1\r\n" HOST "\r\n", false, false, false, false },
	/* Upgrade needs both fields, something in it, and HTTP/1.1 */
	{ "GET / HTTP/1.1\r\n" HOST "Connection: keep-alive, Upgrade\r\n"
	    "Upgrade: websocket\r\n\r\n", false, true, false, false },
	{ "GET / HTTP/1.1\r\n" HOST "Upgrade: h2c\r\nConnection: HTTP2-Settin"
	    "gs\r\nConnection: upgrade\r\n\r\n", false, true, false, false },
	{ "GET / HTTP/1.1\r\n" HOST "Upgrade: websocket\r\n\r\n",
	    false, false, false, false },
	{ "GET / HTTP/1.1\r\n" HOST "Connection: upgrade\r\n\r\n",
	    false, false, false, false },
	{ "GET / HTTP/1.1\r\n" HOST "Upgrade:\r\nConnection: upgrade\r\n\r\n",
	    false, false, false, false },
	{ "GET / HTTP/1.0\r\n" HOST "Upgrade: a\r\nConnection: upgrade\r\n"
	    "\r\n", false, false, false, true },
	/* Expect */
	{ "PUT / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\n\r\n",
	    false, false, true, false },
	{ "PUT / HTTP/1.1\r\n" HOST "EXPECT: a , 100-continue\r\n\r\n",
	    false, false, true, false },
	{ "PUT / HTTP/1.1\r\n" HOST "Expect: a\r\nExpect: 100-continue\r\n"
	    "\r\n", false, false, true, false },
	{ "PUT / HTTP/1.0\r\n" HOST "Expect: 100-continue\r\n\r\n",
	    false, false, false, true },
	{ "PUT / HTTP/1.1\r\n" HOST "Expect: 100-continued\r\n\r\n",
	    false, false, false, false },
	{ "PUT / HTTP/1.1\r\n" HOST "Expect: 200-ok\r\n\r\n",
	    false, false, false, false },
};

START_TEST(head_asked)
{
	struct request	request, cut;
	size_t		k, n = strlen(asked[_i].text);

	ck_assert_int_eq(request_parse((const uint8_t *)asked[_i].text, n,
	    &request), REQUEST_WHOLE);
	ck_assert_int_eq(request.head, asked[_i].head);
	ck_assert_int_eq(request.upgrade, asked[_i].upgrade);
	ck_assert_int_eq(request.expect, asked[_i].expect);
	ck_assert_int_eq(request.http10, asked[_i].http10);
	for (k = 0; k < n; k++) {
		ck_assert_int_eq(request_parse(
		    (const uint8_t *)asked[_i].text, k, &cut), REQUEST_PART);
		ck_assert(!cut.head && !cut.upgrade && !cut.expect &&
		    !cut.http10);
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

	suite = suite_create("asked");
	tcase = tcase_create("heads");
	tcase_add_loop_test(tcase, head_asked, 0,
	    (int)(sizeof(asked) / sizeof(asked[0])));
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
