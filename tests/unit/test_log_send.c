/* SPDX-License-Identifier: ISC */
/*
 * What a front says is legal for who receives it, and never waits: log.c,
 * refused.c and counts.c of the front against check.c of the log process.
 */
#include <sys/mman.h>

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/front/counts.h"
#include "../../src/front/log.h"
#include "../../src/front/refused.h"
#include "../../src/common/states.h"
#include "../../src/log/check.h"
#include "../../src/log/render.h"

enum { PIPE_AT = 20 };	/* the receiver's end */

static struct counters *page;

/* The descriptors that a front finds. */
static void
begin(void)
{
	int ends[2], memory;

	ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
	memory = memfd_create("counters", 0);
	ck_assert_int_eq(ftruncate(memory, COUNTERS_SIZE), 0);
	page = mmap(NULL, COUNTERS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
	    memory, 0);
	ck_assert_ptr_ne(page, MAP_FAILED);
	page->gauges[GAUGE_INFLIGHT] = 7;	/* of a front before this one */
	page->counts[PROTOCOL_TLS][COUNT_LEFT] = 3;
	ck_assert_int_eq(dup2(ends[0], PIPE_AT), PIPE_AT);
	ck_assert_int_eq(dup2(memory, FRONT_COUNTERS), FRONT_COUNTERS);
	ck_assert_int_eq(dup2(ends[1], FRONT_LOG), FRONT_LOG);
	counts_open();
}

/* The next record, which is legal.  Gives false when there is none. */
static bool
next(struct log_record *record)
{
	struct log_record	claimed;
	ssize_t			n;

	n = read(PIPE_AT, &claimed, sizeof(claimed));
	if (n == -1 && errno == EAGAIN)
		return false;
	ck_assert_int_eq(n, sizeof(claimed));
	ck_assert_int_eq(check_record(record, &claimed, true), 0);
	return true;
}

static void
line(const char *expected)
{
	struct log_record	record;
	char			text[LINE_TEXT_MAX];

	ck_assert(next(&record));
	render(text, &record, 1, "/h");
	ck_assert_str_eq(text, expected);
	ck_assert(!next(&record));
}

START_TEST(kinds)
{
	begin();
	log_child(CHILD_HTTP_RELAY, 9, LOG_LOST, 2, 0);
	line("http relay 1 (pid 9): 2 connections lost");
	log_child(CHILD_TLS, -1, LOG_SUCCEEDS, 2, 8);
	line("tls parser 1 (pid 0) takes the place of pid 8 after 2 "
	    "connections");
	log_accept(EMFILE);
	line("accept: Too many open files: waiting");
	log_accept(0);
	line("accept: Invalid argument: waiting");
	log_loop(-1);
	line("event loop: error 0");
	log_hosts_gone();
	line("hosts directory /h has been removed, and nothing is found any "
	    "more: restart");
	log_step(1, STATE_RESOLVING, EVENT_REFUSED, ACTION_LOOKUP,
	    STATE_PASSING);
	line("step front=1 connection=1 state=RESOLVING event=REFUSED "
	    "action=LOOKUP next=PASSING");
}
END_TEST

/* Whatever is in the rooms that accept4(2) and the look-up have filled. */
START_TEST(refusals)
{
	struct sockaddr_in	v4;
	struct hostname		name = { "a.example" };
	struct ends		ends;
	struct found		found;

	begin();
	memset(&ends, 0xff, sizeof(ends));
	refused_log(PROTOCOL_TLS, &ends, NULL, REFUSAL_TIMEOUT, NULL);
	line("refused tls client=[-]:0 host=- reason=timeout alert=90");
	memset(&v4, 0xff, sizeof(v4));
	v4.sin_family = AF_INET;
	v4.sin_addr.s_addr = htonl(0x7f000001);
	memcpy(&ends.client, &v4, sizeof(v4));
	memset(&found, 0xff, sizeof(found));
	strcpy(found.entry, "_default");
	place_set(&found.place, "_default", "\n\xff.Z");
	refused_log(PROTOCOL_HTTP, &ends, &name, REFUSAL_NOT_SOCKET, &found);
	line("refused http client=[127.0.0.1]:65535 host=a.example "
	    "reason=not-a-socket status=502 entry=_default at=_default/??.Z");
	ends.client.sin6_family = AF_INET6;
	ends.client.sin6_scope_id = 0;
	ends.client.sin6_addr = in6addr_loopback;
	found.entry[0] = '\0';
	refused_log(PROTOCOL_HTTP, &ends, NULL, REFUSAL_UNKNOWN, &found);
	line("refused http client=[::1]:65535 host=- reason=unknown-host "
	    "status=404");
	found.place.needs = 't';
	found.place.mode = 0100777;	/* and what kind of file it is */
	found.place.uid = found.place.gid = 1;
	refused_log(PROTOCOL_HTTP, &ends, NULL, REFUSAL_HOSTS_OPEN, &found);
	line("refused http client=[::1]:65535 host=- reason=hosts-writable "
	    "status=503 at=_default/??.Z mode=0777 owner=1:1 needs=t");
	ck_assert_uint_eq(page->refused[PROTOCOL_HTTP][REFUSAL_UNKNOWN], 1);
	ck_assert_uint_eq(page->refused[PROTOCOL_TLS][REFUSAL_TIMEOUT], 1);
}
END_TEST

/* Nobody reads: what is lost is told, all of it and once. */
START_TEST(full)
{
	enum { SENT = 1000 };
	struct log_record	record;
	unsigned int		i, through = 0, lost = 0;

	begin();
	for (i = 0; i < SENT; i++)
		log_accept(ENFILE);
	while (next(&record)) {
		ck_assert_uint_eq(record.kind, LOG_ACCEPT);
		through++;
	}
	ck_assert_uint_ge(through, 16);
	ck_assert_uint_lt(through, SENT);
	log_hosts_gone();
	ck_assert(next(&record));
	ck_assert_uint_eq(record.kind, LOG_LOST_LINES);
	lost = record.count;
	ck_assert_uint_eq(lost + through, SENT);
	line("hosts directory /h has been removed, and nothing is found any "
	    "more: restart");
	log_hosts_gone();
	ck_assert(next(&record));
	ck_assert_uint_eq(record.kind, LOG_HOSTS_GONE);
}
END_TEST

START_TEST(counted)
{
	begin();
	ck_assert_uint_eq(page->gauges[GAUGE_INFLIGHT], 0);
	ck_assert_int_eq(fcntl(FRONT_COUNTERS, F_GETFD), -1);
	count(PROTOCOL_TLS, COUNT_LEFT);
	count_replaced();
	count_present(GAUGE_IN_RELAYS, 12);
	ck_assert_uint_eq(page->counts[PROTOCOL_TLS][COUNT_LEFT], 4);
	ck_assert_uint_eq(page->replaced, 1);
	ck_assert_uint_eq(page->gauges[GAUGE_IN_RELAYS], 12);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("log_send");
	TCase	*tests = tcase_create("log_send");
	SRunner	*runner;
	int	 failed;

	tcase_add_test(tests, kinds);
	tcase_add_test(tests, refusals);
	tcase_add_test(tests, full);
	tcase_add_test(tests, counted);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
