/* SPDX-License-Identifier: ISC */
/*
 * The relay's turns and the parsers' looks, when some never have enough: how
 * many there are before the loop takes what else is ready.
 */
#include <sys/socket.h>

#include <check.h>
#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../src/parser/peek.h"
#include "../../src/relay/turns.h"

enum {
	MANY = 64,
	CALLS = 100,		/* of the loop for the other one */
	ROUND = 17,		/* turns in a round, one of them due */
	LOOKS = 8,		/* in a turn of a parser */
	WINDOW = 64
};

static struct event_base	*base;
static struct turn		 turns[MANY];
static struct peek		 peeks[MANY];
static unsigned long		 done, most, calls;

static size_t
never_enough(struct turn *turn)
{
	done++;
	turn_queue(turn);
	return 0;
}

static void
look_again(struct peek *peek)
{
	done++;
	peek_soon(peek);
}

/* What is always ready, and how much was done since the last time. */
static void
other(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	if (done > most)
		most = done;
	done = 0;
	if (++calls == CALLS)
		ck_assert_int_eq(event_base_loopbreak(base), 0);
}

static void
begin(void)
{
	int	pair[2];

	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(event_add(event_new(base, pair[0],
	    EV_WRITE | EV_PERSIST, other, NULL), NULL), 0);
	done = most = calls = 0;
}

/* Where the other one is never called, check(3) ends the test after 4 s. */
static void
never_more_than(unsigned long limit)
{
	ck_assert_int_ne(event_base_dispatch(base), -1);
	ck_assert_uint_eq(calls, CALLS);
	ck_assert_uint_gt(most, 1);
	ck_assert_uint_le(most, limit);
}

START_TEST(turns_leave_the_loop_to_others)
{
	size_t i;

	begin();
	turns_make(base, never_enough);
	for (i = 0; i < MANY; i++) {
		turns[i].bulk = _i != 0;
		turn_queue(&turns[i]);
	}
	never_more_than(ROUND);
}
END_TEST

START_TEST(looks_leave_the_loop_to_others)
{
	size_t	i;
	int	pair[2];

	begin();
	peeks_make(base, WINDOW);
	for (i = 0; i < MANY; i++) {
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		peek_begin(&peeks[i], pair[0], look_again);
		peek_soon(&peeks[i]);
	}
	never_more_than(LOOKS);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("turns");
	TCase	*tests = tcase_create("turns");
	SRunner	*runner = srunner_create(suite);
	int	 failed;

	tcase_add_loop_test(tests, turns_leave_the_loop_to_others, 0, 2);
	tcase_add_test(tests, looks_leave_the_loop_to_others);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
