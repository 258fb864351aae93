/* SPDX-License-Identifier: ISC */
/*
 * What a front may say to the log process, and what becomes of it: each kind,
 * legal, is one exact line, and no field can have a value that is none.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/common/launch.h"
#include "../../src/common/message.h"
#include "../../src/common/refusal.h"
#include "../../src/log/check.h"
#include "../../src/log/render.h"

static struct log_record
record_of(enum log_kind kind)
{
	struct log_record record;

	memset(&record, 0, sizeof(record));
	record.kind = kind;
	return record;
}

/* All that a refusal can have. */
static struct log_record
refused_full(void)
{
	struct log_record record = record_of(LOG_REFUSED);

	record.protocol = PROTOCOL_HTTP;
	record.refusal = REFUSAL_DENIED;
	record.client.sin6_family = AF_INET6;
	record.client.sin6_port = htons(65535);
	record.client.sin6_scope_id = 3;
	ck_assert_int_eq(inet_pton(AF_INET6, "fe80::1",
	    &record.client.sin6_addr), 1);
	record.named = 1;
	strcpy(record.name.text, "www.a.example");
	strcpy(record.entry, "_.a.example");
	strcpy(record.at, "_.a.example/X-1_/s?");
	record.needs = 'w';
	record.mode = 04711;
	record.uid = UINT32_MAX;
	return record;
}

static struct log_record
child_of(enum log_why why)
{
	struct log_record record = record_of(LOG_CHILD);

	record.child = CHILD_TLS;
	record.pid = 71;
	record.why = why;
	return record;
}

static void
expect(const struct log_record *record, const char *line)
{
	char			text[LINE_TEXT_MAX];
	struct log_record	good;

	ck_assert_int_eq(check_record(&good, record, true), 0);
	render(text, &good, 5, "/srv/hosts");
	ck_assert_str_eq(text, line);
}

static void
illegal(const struct log_record *record)
{
	struct log_record good;

	ck_assert_int_eq(check_record(&good, record, true), -1);
}

START_TEST(refused_lines)
{
	struct log_record	record = refused_full();
	struct sockaddr_in	v4;

	expect(&record, "refused http client=[fe80::1%3]:65535 "
	    "host=www.a.example reason=denied status=503 entry=_.a.example "
	    "at=_.a.example/X-1_/s? mode=4711 owner=4294967295:0 needs=w");
	record.needs = record.mode = record.uid = 0;
	expect(&record, "refused http client=[fe80::1%3]:65535 "
	    "host=www.a.example reason=denied status=503 entry=_.a.example "
	    "at=_.a.example/X-1_/s?");
	record = record_of(LOG_REFUSED);
	record.refusal = REFUSAL_NAME_PORT;
	memset(&v4, 0, sizeof(v4));
	v4.sin_family = AF_INET;
	v4.sin_port = htons(1);
	v4.sin_addr.s_addr = htonl(0xc0000201);
	memcpy(&record.client, &v4, sizeof(v4));
	expect(&record, "refused tls client=[192.0.2.1]:1 host=- "
	    "reason=bad-name alert=112 kind=colon");
	memset(&record.client, 0, sizeof(record.client));
	record.refusal = REFUSAL_COUNT - 1;
	expect(&record, "refused tls client=[-]:0 host=- "
	    "reason=parser-died alert=80");
}
END_TEST

/* The longest of all is not cut. */
START_TEST(refused_long)
{
	struct log_record	record = refused_full(), good;
	char			text[LINE_TEXT_MAX];
	size_t			i;

	for (i = 0; i < HOSTNAME_MAX; i++)
		record.name.text[i] = i % 64 == 63 ? '.' : 'a';
	memset(record.entry, 'e', HOSTNAME_MAX);
	memset(record.at, '?', LOG_AT_MAX - 1);
	record.gid = UINT32_MAX;
	ck_assert_int_eq(check_record(&good, &record, false), 0);
	render(text, &good, 64, "");
	ck_assert_uint_lt(strlen(text), LINE_TEXT_MAX - 1);
	ck_assert_ptr_nonnull(strstr(text,
	    "? mode=4711 owner=4294967295:4294967295 needs=w"));
}
END_TEST

START_TEST(child_lines)
{
	static const char *const	ends[LOG_WHYS] = {
		[LOG_BROKE_RULES] = " broke the rules: replacing it",
		[LOG_NO_ANSWER] = " does not answer: replacing it",
		[LOG_NO_MESSAGES] = " takes no messages: replacing it",
		[LOG_NO_EVENT] = " cannot be listened to: replacing it",
		[LOG_KEPT] = " kept a connection too long: replacing it",
		[LOG_LOST] = ": 7 connections lost",
		[LOG_DRAINED_LONG] =
		    ": 7 connections cut after draining for 600 s",
		[LOG_SUCCEEDS] =
		    " takes the place of pid 600 after 7 connections"
	};
	static const char *const	names[CHILD_KINDS] = {
		"tls parser", "tls relay", "http parser", "http relay"
	};
	struct log_record		record;
	char				line[LINE_TEXT_MAX];
	unsigned int			why, kind;

	for (why = LOG_BROKE_RULES; why < LOG_WHYS; why++) {
		record = child_of((enum log_why)why);
		record.count = why >= LOG_DRAINED_LONG ? 7 : 0;
		record.value = why == LOG_DRAINED_LONG ||
		    why == LOG_SUCCEEDS ? 600 : 0;
		for (kind = 0; kind < CHILD_KINDS; kind++) {
			record.child = kind;
			(void)snprintf(line, sizeof(line), "%s 5 (pid 71)%s",
			    names[kind], ends[why]);
			expect(&record, line);
		}
	}
}
END_TEST

START_TEST(other_lines)
{
	struct log_record	record = record_of(LOG_ACCEPT);
	struct log_record	good;

	record.error = ENFILE;
	expect(&record, "accept: Too many open files in system: waiting");
	record.error = LOG_ERROR_MAX;
	expect(&record, "accept: error 4095: waiting");
	record = record_of(LOG_LOOP);
	expect(&record, "event loop: error 0");
	record.error = ENOSPC;
	expect(&record, "event loop: No space left on device");
	record = record_of(LOG_HOSTS_GONE);
	expect(&record, "hosts directory /srv/hosts has been removed, and "
	    "nothing is found any more: restart");
	record = record_of(LOG_STEP);
	record.id = UINT32_MAX;
	record.state = 1;
	record.event = 2;
	record.action = 3;
	record.next = LOG_STEP_MAX;
	expect(&record, "step front=5 connection=4294967295 state=PEEKING "
	    "event=REQUEST action=SHOW_AGAIN next=?");
	ck_assert_int_eq(check_record(&good, &record, false), -1);
	record = record_of(LOG_LOST_LINES);
	record.count = 1;
	expect(&record, "");
}
END_TEST

/* What is all of a kind, by kind. */
static struct log_record
legal(unsigned int kind)
{
	struct log_record record = record_of((enum log_kind)kind);

	if (kind == LOG_REFUSED)
		record = refused_full();
	if (kind == LOG_CHILD)
		record = child_of(LOG_LOST);
	if (kind == LOG_ACCEPT)
		record.error = 1;
	if (kind == LOG_LOST_LINES)
		record.count = 1;
	return record;
}

/* Which numbers, from the first on, a kind has and which value is too much. */
static const struct {
	unsigned int	kind;
	size_t		offset;
	uint32_t	most;
} bounds[] = {
	{ LOG_REFUSED, offsetof(struct log_record, protocol), 1 },
	{ LOG_REFUSED, offsetof(struct log_record, refusal),
	    REFUSAL_COUNT - 1 },
	{ LOG_REFUSED, offsetof(struct log_record, named), 1 },
	{ LOG_REFUSED, offsetof(struct log_record, needs), 'x' },
	{ LOG_REFUSED, offsetof(struct log_record, mode), LOG_MODE_MAX },
	{ LOG_REFUSED, offsetof(struct log_record, uid), UINT32_MAX },
	{ LOG_REFUSED, offsetof(struct log_record, gid), UINT32_MAX },
	{ LOG_CHILD, offsetof(struct log_record, child), CHILD_KINDS - 1 },
	{ LOG_CHILD, offsetof(struct log_record, pid), INT32_MAX },
	{ LOG_CHILD, offsetof(struct log_record, why), LOG_LOST },
	{ LOG_CHILD, offsetof(struct log_record, count), UINT32_MAX },
	{ LOG_ACCEPT, offsetof(struct log_record, error), LOG_ERROR_MAX },
	{ LOG_LOOP, offsetof(struct log_record, error), LOG_ERROR_MAX },
	{ LOG_STEP, offsetof(struct log_record, id), UINT32_MAX },
	{ LOG_STEP, offsetof(struct log_record, state), LOG_STEP_MAX },
	{ LOG_STEP, offsetof(struct log_record, event), LOG_STEP_MAX },
	{ LOG_STEP, offsetof(struct log_record, action), LOG_STEP_MAX },
	{ LOG_STEP, offsetof(struct log_record, next), LOG_STEP_MAX },
	{ LOG_LOST_LINES, offsetof(struct log_record, count), UINT32_MAX },
};

enum { BOUNDS = sizeof(bounds) / sizeof(bounds[0]) };

/* The bound itself is legal, and what is above it is not. */
START_TEST(numbers_bounded)
{
	struct log_record	record, good;
	uint32_t		value;
	size_t			i;

	for (i = 0; i < BOUNDS; i++) {
		record = legal(bounds[i].kind);
		value = bounds[i].most;
		memcpy((char *)&record + bounds[i].offset, &value,
		    sizeof(value));
		ck_assert_msg(check_record(&good, &record, true) == 0,
		    "bound %zu", i);
		if (value == UINT32_MAX)
			continue;
		value++;	/* 'y', too */
		memcpy((char *)&record + bounds[i].offset, &value,
		    sizeof(value));
		ck_assert_msg(check_record(&good, &record, true) == -1,
		    "above bound %zu", i);
		value = UINT32_MAX;
		memcpy((char *)&record + bounds[i].offset, &value,
		    sizeof(value));
		illegal(&record);
	}
}
END_TEST

static bool
has(unsigned int kind, size_t at)
{
	size_t i;

	for (i = 0; i < BOUNDS; i++) {
		if (bounds[i].kind == kind && at >= bounds[i].offset &&
		    at < bounds[i].offset + sizeof(uint32_t))
			return true;
	}
	return at < sizeof(uint32_t) || (kind == LOG_REFUSED &&
	    at >= offsetof(struct log_record, client));
}

/* Every byte of a field that the kind does not have. */
START_TEST(others_zero)
{
	struct log_record	record;
	unsigned int		kind;
	size_t			at;

	for (kind = LOG_REFUSED; kind <= LOG_LOST_LINES; kind++) {
		for (at = 0; at < sizeof(record); at++) {
			if (has(kind, at))
				continue;
			record = legal(kind);
			((unsigned char *)&record)[at] = 1;
			illegal(&record);
		}
	}
}
END_TEST

/* All 256 bytes in the middle and at the end of each text. */
START_TEST(texts)
{
	static const char	low[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	static const char	up[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	struct log_record	record, good;
	unsigned int		byte;
	char			c;

	for (byte = 1; byte < 256; byte++) {
		c = (char)byte;
		record = refused_full();
		record.entry[2] = c;
		ck_assert_int_eq(check_record(&good, &record, false),
		    strchr(low, c) != NULL || strchr("-._", c) != NULL ?
		    0 : -1);
		record = refused_full();
		record.at[2] = c;
		ck_assert_int_eq(check_record(&good, &record, false),
		    strchr(low, c) != NULL || strchr(up, c) != NULL ||
		    strchr("-._/?", c) != NULL ? 0 : -1);
		record = refused_full();
		record.name.text[2] = c;
		ck_assert_int_eq(check_record(&good, &record, false),
		    strchr(low, c) != NULL ? 0 : -1);	/* not "ww-." */
		record = refused_full();
		record.name.text[HOSTNAME_MAX] = c;
		illegal(&record);
		record = refused_full();
		record.entry[HOSTNAME_MAX] = c;
		illegal(&record);
		record = refused_full();
		record.at[LOG_AT_MAX - 1] = c;
		illegal(&record);
	}
	record = refused_full();
	memset(record.entry, 'a', sizeof(record.entry));
	illegal(&record);
	record = refused_full();
	memset(record.at, 'a', sizeof(record.at));
	illegal(&record);
	record = refused_full();
	memset(record.name.text, 'a', sizeof(record.name.text));
	illegal(&record);
}
END_TEST

/* Fields that are legal, and not together. */
START_TEST(together)
{
	struct log_record record = refused_full();

	record.named = 0;		/* and a name */
	illegal(&record);
	record = refused_full();
	memset(&record.name, 0, sizeof(record.name));
	illegal(&record);
	record = refused_full();
	record.needs = 0;		/* and an owner */
	illegal(&record);
	record = refused_full();
	memset(record.at, 0, sizeof(record.at));
	illegal(&record);
	record = refused_full();
	record.needs = record.mode = record.uid = 0;
	memset(record.entry, 0, sizeof(record.entry));	/* and a place */
	illegal(&record);
	record = refused_full();
	record.client.sin6_flowinfo = 1;
	illegal(&record);
	record = refused_full();
	record.client.sin6_family = AF_UNIX;
	illegal(&record);
	record.client.sin6_family = 0;	/* and an address */
	illegal(&record);
	record.client.sin6_family = AF_INET;	/* and what follows one */
	illegal(&record);
	record = refused_full();
	record.refusal = REFUSAL_NONE;
	illegal(&record);
	record = record_of(LOG_ACCEPT);
	illegal(&record);
	record = record_of(LOG_LOST_LINES);
	illegal(&record);
	record = child_of(0);
	illegal(&record);
	record = child_of(LOG_KEPT);
	record.count = 1;
	illegal(&record);
	record = child_of(LOG_LOST);
	record.value = 1;
	illegal(&record);
	record = child_of(LOG_SUCCEEDS);
	record.value = (uint32_t)INT32_MAX + 1;
	illegal(&record);
}
END_TEST

START_TEST(kinds)
{
	struct log_record record = record_of(0);

	illegal(&record);
	for (record.kind = LOG_LOST_LINES + 1; record.kind < 300;
	    record.kind++)
		illegal(&record);
	record.kind = UINT32_MAX;
	illegal(&record);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("log_render");
	TCase	*tests = tcase_create("log_render");
	SRunner	*runner;
	int	 failed;

	tcase_add_test(tests, refused_lines);
	tcase_add_test(tests, refused_long);
	tcase_add_test(tests, child_lines);
	tcase_add_test(tests, other_lines);
	tcase_add_test(tests, numbers_bounded);
	tcase_add_test(tests, others_zero);
	tcase_add_test(tests, texts);
	tcase_add_test(tests, together);
	tcase_add_test(tests, kinds);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
