/* SPDX-License-Identifier: ISC */
/*
 * Records and descriptors between processes, over real sockets: what is not
 * exactly as agreed is refused, and no descriptor is ever left behind.
 */
#include <sys/socket.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/child/message_take.h"
#include "../../src/common/message_send.h"

static int	pair[2];
static int	null;

static int
open_descriptors(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

static void
begin(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	null = open("/dev/null", O_RDWR);
	ck_assert_int_ne(null, -1);
}

static void
end(void)
{
	close(pair[0]);
	close(pair[1]);
	close(null);
}

START_TEST(record_and_descriptors_arrive)
{
	struct intake	sent = { { { INTAKE_SHOW, 7 }, { INTAKE_SHOW, 8 } } }, got;
	int		fds[3] = { null, null, null }, taken[INTAKE_BATCH];
	size_t		n, i;

	ck_assert_int_eq(message_send(pair[0], &sent, sizeof(sent), fds, 3),
	    0);
	ck_assert_int_eq(message_take(pair[1], &got, sizeof(got), taken,
	    INTAKE_BATCH, &n), MESSAGE_TAKEN);
	ck_assert_uint_eq(n, 3);
	ck_assert_mem_eq(&sent, &got, sizeof(got));
	for (i = 0; i < n; i++) {
		ck_assert_int_eq(fcntl(taken[i], F_GETFD), FD_CLOEXEC);
		close(taken[i]);
	}
}
END_TEST

START_TEST(nothing_there)
{
	struct intake	got;
	int		fds[1];
	size_t		n = 5;

	ck_assert_int_eq(message_take(pair[1], &got, sizeof(got), fds, 1, &n),
	    MESSAGE_NONE);
	ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(other_side_gone)
{
	struct intake	got, sent = { { { INTAKE_PING, 0 } } };
	int		fds[1];
	size_t		n;

	close(pair[0]);
	ck_assert_int_eq(message_take(pair[1], &got, sizeof(got), fds, 1, &n),
	    MESSAGE_CLOSED);
	ck_assert_int_eq(message_send(pair[1], &sent, sizeof(sent), NULL, 0),
	    -1);
	ck_assert_int_eq(errno, EPIPE);
	pair[0] = dup(null);
}
END_TEST

/* One byte less, one byte more, nothing at all: never taken for a record. */
START_TEST(wrong_sizes)
{
	static const int	off[] = { -1, 1, -(int)sizeof(struct intake) };
	unsigned char		bytes[sizeof(struct intake) + 1] = { 1 };
	struct intake		got;
	int			fds[2], before = open_descriptors();
	size_t			n, size;

	size = (size_t)((int)sizeof(got) + off[_i]);
	if (size == 0)
		ck_assert_int_eq(send(pair[0], bytes, 0, 0), 0);
	else
		ck_assert_int_eq(message_send(pair[0], bytes, size, &null, 1),
		    0);
	ck_assert_int_ne(message_take(pair[1], &got, sizeof(got), fds, 2, &n),
	    MESSAGE_TAKEN);
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

/* More descriptors than agreed: all of them are closed. */
START_TEST(surplus_descriptors)
{
	struct intake	sent = { { { INTAKE_SHOW, 7 } } }, got;
	int		many[MESSAGE_FDS_MAX], taken[2], i;
	int		before = open_descriptors();
	size_t		n;

	for (i = 0; i < MESSAGE_FDS_MAX; i++)
		many[i] = null;
	ck_assert_int_eq(message_send(pair[0], &sent, sizeof(sent), many,
	    (size_t)_i), 0);
	ck_assert_int_eq(message_take(pair[1], &got, sizeof(got), taken, 2,
	    &n), MESSAGE_BROKEN);
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

START_TEST(too_many_to_send)
{
	struct intake	sent = { { { INTAKE_SHOW, 7 } } };
	int		many[MESSAGE_FDS_MAX + 1] = { 0 };

	ck_assert_int_eq(message_send(pair[0], &sent, sizeof(sent), many,
	    MESSAGE_FDS_MAX + 1), -1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

/* A receiver that is behind is EAGAIN, not a wait. */
START_TEST(full)
{
	struct intake	sent = { { { INTAKE_PING, 0 } } };
	int		i;

	for (i = 0; i < 100000; i++) {
		if (message_send(pair[0], &sent, sizeof(sent), NULL, 0) == -1)
			break;
	}
	ck_assert_int_lt(i, 100000);
	ck_assert_int_eq(errno, EAGAIN);
}
END_TEST

START_TEST(report_is_whole)
{
	struct verdict	sent[VERDICT_BATCH], got[VERDICT_BATCH + 1];
	int		ends[2];

	memset(sent, 0x5a, sizeof(sent));
	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
	ck_assert_int_eq(message_report(ends[1], sent, sizeof(sent)),
	    MESSAGE_SAID);
	ck_assert_int_eq(read(ends[0], got, sizeof(got)), sizeof(sent));
	ck_assert_mem_eq(sent, got, sizeof(sent));
	close(ends[0]);
	ck_assert_int_eq(message_report(ends[1], sent, sizeof(sent)),
	    MESSAGE_UNHEARD);
	close(ends[1]);
}
END_TEST

/* A full pipe takes all of a batch or nothing, and nobody waits for it. */
START_TEST(full_pipe)
{
	struct verdict	sent[VERDICT_BATCH], got[VERDICT_BATCH];
	int		ends[2], n = 0, m = 0;

	memset(sent, 0x5a, sizeof(sent));
	ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
	while (message_report(ends[1], sent, sizeof(sent)) == MESSAGE_SAID)
		n++;
	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(message_report(ends[1], sent, sizeof(sent)),
	    MESSAGE_FULL);
	while (read(ends[0], got, sizeof(got)) == sizeof(got)) {
		ck_assert_mem_eq(sent, got, sizeof(sent));
		m++;
	}
	ck_assert_int_eq(m, n);
	ck_assert_int_eq(message_report(ends[1], sent, sizeof(sent)),
	    MESSAGE_SAID);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("message");
	TCase	*all = tcase_create("all");
	SRunner	*runner;
	int	 failed;

	tcase_add_checked_fixture(all, begin, end);
	tcase_add_test(all, record_and_descriptors_arrive);
	tcase_add_test(all, nothing_there);
	tcase_add_test(all, other_side_gone);
	tcase_add_loop_test(all, wrong_sizes, 0, 3);
	tcase_add_loop_test(all, surplus_descriptors, 3, MESSAGE_FDS_MAX);
	tcase_add_test(all, too_many_to_send);
	tcase_add_test(all, full);
	tcase_add_test(all, report_is_whole);
	tcase_add_test(all, full_pipe);
	suite_add_tcase(suite, all);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
