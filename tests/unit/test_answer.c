/* SPDX-License-Identifier: ISC */
/*
 * What refused clients are told: for every reason in the list there is an
 * answer in both protocols, and it says what the list says.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/relay/answer.h"

START_TEST(every_reason_has_its_alert)
{
	const unsigned char	*bytes;
	size_t			 size = 0;

	ck_assert_ptr_eq(answer_find(PROTOCOL_TLS, (unsigned int)_i, true,
	    &size), answer_find(PROTOCOL_TLS, (unsigned int)_i, false, &size));
	bytes = answer_find(PROTOCOL_TLS, (unsigned int)_i, false, &size);
	ck_assert_ptr_nonnull(bytes);
	ck_assert_uint_eq(size, 7);
	ck_assert_mem_eq(bytes, "\x15\x03\x03\0\x02\x02", 6);
	ck_assert_uint_eq(bytes[6], refusal_answer((unsigned int)_i)->alert);
}
END_TEST

START_TEST(every_reason_has_its_page)
{
	const char	*bytes, *body, *field;
	char		 line[32], copy[1024];
	size_t		 size = 0;

	bytes = answer_find(PROTOCOL_HTTP, (unsigned int)_i, false, &size);
	ck_assert_ptr_nonnull(bytes);
	ck_assert_uint_lt(size, sizeof(copy));
	memcpy(copy, bytes, size);
	copy[size] = '\0';
	ck_assert_uint_eq(strlen(copy), size);
	(void)snprintf(line, sizeof(line), "HTTP/1.1 %u ",
	    (unsigned int)refusal_answer((unsigned int)_i)->status);
	ck_assert_int_eq(strncmp(copy, line, strlen(line)), 0);
	ck_assert_ptr_nonnull(strstr(copy, "\r\nConnection: close\r\n"));
	field = strstr(copy, "\r\nContent-Length: ");
	body = strstr(copy, "\r\n\r\n");
	ck_assert_ptr_nonnull(field);
	ck_assert_ptr_nonnull(body);
	ck_assert_uint_eq(strtoul(field + 18, NULL, 10), strlen(body + 4));
}
END_TEST

/* To HEAD: the same head, whose Content-Length is the page's (RFC 9110,
 * section 9.3.2), and not a byte behind it. */
START_TEST(every_reason_has_its_head)
{
	const char	*page, *head;
	size_t		 size = 0, head_size = 0;

	page = answer_find(PROTOCOL_HTTP, (unsigned int)_i, false, &size);
	head = answer_find(PROTOCOL_HTTP, (unsigned int)_i, true, &head_size);
	ck_assert_uint_lt(head_size, size);
	ck_assert_mem_eq(head, page, head_size);
	ck_assert_mem_eq(head + head_size - 4, "\r\n\r\n", 4);
	ck_assert_ptr_eq(strstr(page, "\r\n\r\n") + 4, page + head_size);
}
END_TEST

START_TEST(nothing_else_has_one)
{
	size_t size = 0;

	ck_assert_ptr_null(answer_find(PROTOCOL_TLS, REFUSAL_NONE, false,
	    &size));
	ck_assert_ptr_null(answer_find(PROTOCOL_HTTP, REFUSAL_NONE, false,
	    &size));
	ck_assert_ptr_null(answer_find(PROTOCOL_TLS, REFUSAL_COUNT, false,
	    &size));
	ck_assert_ptr_null(answer_find(PROTOCOL_HTTP, 255, true, &size));
}
END_TEST

/* What the sandbox is told: all that may be needed, each once. */
START_TEST(list_is_complete)
{
	struct sandbox_constant	 list[ANSWERS_MAX];
	const void		*bytes;
	unsigned int		 refusal, head;
	size_t			 found, i, n, size = 0;

	n = answers_list((enum protocol)_i, list);
	ck_assert_uint_gt(n, 1);
	ck_assert_uint_lt(n, REFUSAL_COUNT);
	for (head = 0; head < 2; head++)
	for (refusal = 1; refusal < REFUSAL_COUNT; refusal++) {
		bytes = answer_find((enum protocol)_i, refusal, head == 1,
		    &size);
		for (i = found = 0; i < n; i++)
			found += list[i].bytes == bytes &&
			    list[i].size == size;
		ck_assert_uint_eq(found, 1);
	}
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("answer");
	TCase	*tcase = tcase_create("constants");
	SRunner	*runner;
	int	 failed;

	tcase_add_loop_test(tcase, every_reason_has_its_alert, 1,
	    REFUSAL_COUNT);
	tcase_add_loop_test(tcase, every_reason_has_its_page, 1,
	    REFUSAL_COUNT);
	tcase_add_loop_test(tcase, every_reason_has_its_head, 1,
	    REFUSAL_COUNT);
	tcase_add_test(tcase, nothing_else_has_one);
	tcase_add_loop_test(tcase, list_is_complete, 0, PROTOCOL_COUNT);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
