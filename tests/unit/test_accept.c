/* SPDX-License-Identifier: ISC */
/*
 * usher_accept.c on its own: what it takes, what it refuses, and that no
 * descriptor is left in any case.
 */
#include <sys/resource.h>
#include <sys/time.h>

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "handing.h"

static double
seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

START_TEST(takes_both_protocols_and_families)
{
	static const char	 letters[] = "tthh";
	char			 message[] = GOOD;
	struct connection	 made;
	struct sockaddr_storage	 address;
	socklen_t		 size = sizeof(address);
	int			 fd, stream;

	message[6] = letters[_i];
	connection_make(&made, _i % 2 == 0 ? AF_INET : AF_INET6);
	stream = hand(message, SIZE, &made.accepted, 1);
	errno = 0;
	fd = usher_accept(listener, &trust, (struct sockaddr *)&address,
	    &size, SOCK_CLOEXEC);
	ck_assert_int_eq(errno, 0);
	is_that(fd, &made);
	ck_assert_uint_eq(size, made.size);
	ck_assert_mem_eq(&address, &made.address, size);
	(void)close(fd);
	(void)close(stream);
	connection_close(&made);
}
END_TEST

/* Each byte of the message, wrong in two ways. */
START_TEST(refuses_any_other_byte)
{
	char			message[] = GOOD;
	struct connection	made;

	message[_i / 2] = (char)(message[_i / 2] ^ (_i % 2 == 0 ? 0x20 : 1));
	connection_make(&made, AF_INET);
	refused(hand(message, SIZE, &made.accepted, 1));
	connection_close(&made);
}
END_TEST

START_TEST(refuses_any_other_size)
{
	static const char	message[] = GOOD GOOD GOOD;
	struct connection	made;
	int			stream;

	if (_i == SIZE)
		return;
	connection_make(&made, AF_INET);
	stream = hand(message, (size_t)_i, &made.accepted, 1);
	(void)shutdown(stream, SHUT_WR);
	refused(stream);
	connection_close(&made);
}
END_TEST

START_TEST(refuses_any_other_number_of_descriptors)
{
	static const int	numbers[] = { 0, 2, 3, MANY };
	struct connection	made;
	int			fds[MANY], i;

	connection_make(&made, AF_INET);
	for (i = 0; i < MANY; i++)
		fds[i] = made.accepted;
	refused(hand(GOOD, SIZE, fds, numbers[_i]));
	connection_close(&made);
}
END_TEST

START_TEST(refuses_what_is_no_tcp_socket)
{
	int fds[2], stream;

	switch (_i) {
	case 0:
		ck_assert_int_eq(pipe(fds), 0);
		break;
	case 1:
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		break;
	case 2:
		fds[0] = socket(AF_INET, SOCK_DGRAM, 0);
		fds[1] = socket(AF_INET6, SOCK_DGRAM, 0);
		break;
	default:
		fds[0] = open("/", O_PATH);
		fds[1] = open("/", O_RDONLY);
		break;
	}
	stream = hand(GOOD, SIZE, fds, 1);
	refused(stream);
	refused(hand(GOOD, SIZE, fds + 1, 1));
	(void)close(fds[0]);
	(void)close(fds[1]);
}
END_TEST

START_TEST(a_message_may_come_in_two_parts)
{
	struct connection	made;
	int			fd, stream;

	connection_make(&made, AF_INET);
	stream = stream_connect();
	/* the descriptor with the first part, or with the second */
	send_on(stream, GOOD, 3, &made.accepted, _i == 0);
	send_on(stream, good + 3, SIZE - 3, &made.accepted, _i == 1);
	fd = take(SOCK_CLOEXEC);
	is_that(fd, &made);
	(void)close(fd);
	(void)close(stream);
	connection_close(&made);
}
END_TEST

START_TEST(one_descriptor_in_each_of_two_parts_is_one_too_many)
{
	struct connection	made;
	int			stream;

	connection_make(&made, AF_INET);
	stream = stream_connect();
	send_on(stream, GOOD, 3, &made.accepted, 1);
	send_on(stream, good + 3, SIZE - 3, &made.accepted, 1);
	refused(stream);
	connection_close(&made);
}
END_TEST

struct late {
	int	stream;
	int	fd;
	int	after_ms;
	size_t	from;
};

static void *
send_late(void *argument)
{
	const struct late	*late = argument;
	const struct timespec	 wait = { 0, late->after_ms * 1000000L };

	(void)nanosleep(&wait, NULL);
	send_on(late->stream, good + late->from, SIZE - late->from, &late->fd,
	    late->from == 0);
	return NULL;
}

START_TEST(waits_for_a_message_on_its_way)
{
	struct connection	made;
	struct late		late;
	pthread_t		thread;
	int			fd;

	connection_make(&made, AF_INET);
	late.stream = stream_connect();
	late.fd = made.accepted;
	late.after_ms = USHER_MESSAGE_MS / 3;
	late.from = _i == 0 ? 0 : 5;
	if (late.from > 0)
		send_on(late.stream, GOOD, late.from, &made.accepted, 1);
	ck_assert_int_eq(pthread_create(&thread, NULL, send_late, &late), 0);
	fd = take(SOCK_CLOEXEC);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	is_that(fd, &made);
	(void)close(fd);
	(void)close(late.stream);
	connection_close(&made);
}
END_TEST

static void
nothing(int number)
{
	(void)number;
}

/* A signal each 5 ms, for as long as it runs. */
static void
signals(bool on)
{
	const struct sigaction	action = { .sa_handler = nothing };
	const struct itimerval	often = { { 0, 5000 }, { 0, 5000 } };
	const struct itimerval	never = { { 0, 0 }, { 0, 0 } };

	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, on ? &often : &never, NULL),
	    0);
}

/* Nothing at all, half a message, and both while signals arrive. */
START_TEST(does_not_wait_for_ever)
{
	struct connection	made;
	double			began;
	int			stream;

	connection_make(&made, AF_INET);
	stream = stream_connect();
	if (_i % 2 == 1)
		send_on(stream, GOOD, 4, &made.accepted, 1);
	signals(_i >= 2);
	began = seconds();
	ck_assert_int_eq(take(SOCK_CLOEXEC), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_double_ge(seconds() - began, USHER_MESSAGE_MS * 0.0009);
	ck_assert_double_le(seconds() - began, USHER_MESSAGE_MS * 0.003);
	signals(false);
	(void)close(stream);
	connection_close(&made);
}
END_TEST

START_TEST(each_error_has_its_number)
{
	struct connection	made;
	int			pair[2];

	connection_make(&made, AF_INET);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(usher_receive(pair[0], &trust, NULL, NULL, 0), -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	send_on(pair[1], "usher\2t\0", SIZE, &made.accepted, 1);
	ck_assert_int_eq(usher_receive(pair[0], &trust, NULL, NULL, 0), -1);
	ck_assert_int_eq(errno, EPROTO);
	(void)close(pair[1]);
	ck_assert_int_eq(usher_receive(pair[0], &trust, NULL, NULL, 0), -1);
	ck_assert_int_eq(errno, EPROTO);
	/* no UNIX socket, so nobody's */
	ck_assert_int_eq(usher_receive(made.accepted, &trust, NULL, NULL, 0),
	    -1);
	ck_assert_int_eq(errno, EACCES);
	ck_assert_int_eq(usher_accept(listener, &trust, NULL, NULL, 1), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(usher_accept(pair[0], &trust, NULL, NULL, 0), -1);
	ck_assert_int_eq(errno, EINVAL);
	(void)close(pair[0]);
	connection_close(&made);
}
END_TEST

START_TEST(bad_ones_are_passed_over)
{
	struct connection	made;
	int			fd, streams[3];

	connection_make(&made, AF_INET);
	streams[0] = hand("nonsense", SIZE, &made.accepted, 1);
	streams[1] = stream_connect();
	(void)shutdown(streams[1], SHUT_RDWR);
	streams[2] = hand(GOOD, SIZE, &made.accepted, 1);
	fd = take(SOCK_CLOEXEC);
	is_that(fd, &made);
	(void)close(fd);
	for (fd = 0; fd < 3; fd++)
		(void)close(streams[fd]);
	connection_close(&made);
}
END_TEST

/* So many in a row that a server should do something else in between. */
START_TEST(a_flood_of_bad_ones_does_not_hold_a_server_up)
{
	int i, streams[100];

	for (i = 0; i < 100; i++) {
		streams[i] = stream_connect();
		(void)close(streams[i]);
	}
	ck_assert_int_eq(take(SOCK_CLOEXEC), -1);
	ck_assert_int_eq(errno, ECONNABORTED);
	ck_assert_int_eq(take(SOCK_CLOEXEC), -1);
	ck_assert_int_eq(errno, EAGAIN);
}
END_TEST

static void *
flood_then_hand(void *argument)
{
	const struct connection	*made = argument;
	const struct timespec	 wait = { 0, 20000000L };
	int			 i;

	for (i = 0; i < 100; i++)
		(void)close(stream_connect());
	(void)nanosleep(&wait, NULL);
	(void)close(hand(GOOD, SIZE, &made->accepted, 1));
	return NULL;
}

START_TEST(a_blocking_listener_goes_on_blocking)
{
	struct connection	made;
	pthread_t		thread;
	int			fd;

	(void)fcntl(listener, F_SETFL, 0);
	connection_make(&made, AF_INET);
	ck_assert_int_eq(pthread_create(&thread, NULL, flood_then_hand,
	    &made), 0);
	fd = take(SOCK_CLOEXEC);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	is_that(fd, &made);
	(void)close(fd);
	connection_close(&made);
}
END_TEST

/* usherd's socket blocks or not; what the caller says counts. */
START_TEST(flags_are_those_asked_for)
{
	static const int	flags[] = { 0, SOCK_NONBLOCK, SOCK_CLOEXEC,
				    SOCK_NONBLOCK | SOCK_CLOEXEC };
	const int		wanted = flags[_i / 2];
	struct connection	made;
	int			fd, stream;

	connection_make(&made, AF_INET);
	(void)fcntl(made.accepted, F_SETFL, _i % 2 == 0 ? 0 : O_NONBLOCK);
	stream = hand(GOOD, SIZE, &made.accepted, 1);
	fd = take(wanted);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0,
	    (wanted & SOCK_NONBLOCK) != 0);
	ck_assert_int_eq((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0,
	    (wanted & SOCK_CLOEXEC) != 0);
	(void)close(fd);
	(void)close(stream);
	connection_close(&made);
}
END_TEST

START_TEST(an_address_is_cut_off_at_the_room_for_it)
{
	struct connection	made;
	unsigned char		address[sizeof(struct sockaddr_storage)];
	socklen_t		size = (socklen_t)_i;
	int			fd, stream;

	connection_make(&made, AF_INET6);
	memset(address, 0xee, sizeof(address));
	stream = hand(GOOD, SIZE, &made.accepted, 1);
	fd = usher_accept(listener, &trust, (struct sockaddr *)address, &size,
	    SOCK_CLOEXEC);
	ck_assert_int_ne(fd, -1);
	ck_assert_uint_eq(size, sizeof(struct sockaddr_in6));
	ck_assert_mem_eq(address, &made.address, (size_t)_i);
	ck_assert_uint_eq(address[_i], 0xee);
	(void)close(fd);
	(void)close(stream);
	connection_close(&made);
}
END_TEST

/* As accept(2) gives it, which getpeername(2) does not any more. */
START_TEST(a_client_that_has_left_still_has_its_address)
{
	const struct linger	reset = { 1, 0 };
	struct sockaddr_storage	address, own_address;
	socklen_t		size, own_size = sizeof(own_address);
	struct connection	made;
	int			fd, stream;

	connection_make(&made, _i == 0 ? AF_INET : AF_INET6);
	memset(&address, 0, sizeof(address));
	memset(&own_address, 0, sizeof(own_address));
	size = sizeof(address);
	ck_assert_int_eq(getsockname(made.client,
	    (struct sockaddr *)&own_address, &own_size), 0);
	(void)setsockopt(made.client, SOL_SOCKET, SO_LINGER, &reset,
	    sizeof(reset));
	(void)close(made.client);
	made.client = -1;
	stream = hand(GOOD, SIZE, &made.accepted, 1);
	fd = usher_accept(listener, &trust, (struct sockaddr *)&address,
	    &size, SOCK_CLOEXEC);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(getpeername(fd, (struct sockaddr *)&address, &size),
	    -1);
	ck_assert_uint_eq(size, own_size);
	ck_assert_mem_eq(&address, &own_address, own_size);
	(void)close(fd);
	(void)close(stream);
	(void)close(made.accepted);
}
END_TEST

/* All numbers taken but the one that accept4(2) needs. */
START_TEST(without_room_for_a_descriptor_it_says_so)
{
	const struct rlimit	few = { 64, 64 };
	struct connection	made;
	int			fds[64], n, stream;

	connection_make(&made, AF_INET);
	stream = hand(GOOD, SIZE, &made.accepted, 1);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (n = 0; (fds[n] = dup(stream)) != -1; n++)
		;
	(void)close(fds[--n]);
	ck_assert_int_eq(take(SOCK_CLOEXEC), -1);
	ck_assert_int_eq(errno, EMFILE);
	while (n-- > 0)
		(void)close(fds[n]);
	(void)close(stream);
	connection_close(&made);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("accept");
	TCase	*all = tcase_create("all");
	SRunner	*runner;
	int	 failed;

	tcase_add_checked_fixture(all, begin, end);
	tcase_add_loop_test(all, takes_both_protocols_and_families, 0, 4);
	tcase_add_loop_test(all, refuses_any_other_byte, 0, 2 * SIZE);
	tcase_add_loop_test(all, refuses_any_other_size, 1, 3 * SIZE);
	tcase_add_loop_test(all, refuses_any_other_number_of_descriptors, 0,
	    4);
	tcase_add_loop_test(all, refuses_what_is_no_tcp_socket, 0, 4);
	tcase_add_loop_test(all, a_message_may_come_in_two_parts, 0, 2);
	tcase_add_test(all, one_descriptor_in_each_of_two_parts_is_one_too_many);
	tcase_add_loop_test(all, waits_for_a_message_on_its_way, 0, 2);
	tcase_add_loop_test(all, does_not_wait_for_ever, 0, 4);
	tcase_add_test(all, each_error_has_its_number);
	tcase_add_test(all, bad_ones_are_passed_over);
	tcase_add_test(all, a_flood_of_bad_ones_does_not_hold_a_server_up);
	tcase_add_test(all, a_blocking_listener_goes_on_blocking);
	tcase_add_loop_test(all, flags_are_those_asked_for, 0, 8);
	tcase_add_loop_test(all, an_address_is_cut_off_at_the_room_for_it, 0,
	    (int)sizeof(struct sockaddr_in6) + 1);
	tcase_add_loop_test(all, a_client_that_has_left_still_has_its_address,
	    0, 2);
	tcase_add_test(all, without_room_for_a_descriptor_it_says_so);
	suite_add_tcase(suite, all);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
