/* SPDX-License-Identifier: ISC */
/* Fronts, each a process, that share a listening socket. */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../src/front/accept.h"

enum {
	FRONTS = 4,
	PLACES = 100000,	/* far more than are used: none is full */
	BACKLOG = 4096,
	AT_ONCE = 64,
	ONE_BY_ONE = 400,
	START_US = 100000,
	RESTED_US = 6000,	/* REST_MAX_MS of accept.c and some */
	SOON_MS = 10,		/* nine of ten */
	STRANDED_MS = 500,	/* until the look of each second */
	FOUND_MS = 2000,	/* by it */
	SWEEP_MS = 50,
	LIMIT_S = 30
};

/* What the fronts tell the test, and it them. */
struct page {
	volatile unsigned int	taken[FRONTS];
	volatile bool		lost[FRONTS];	/* its room */
};

static struct page		*page;
static int			 listening;
static struct sockaddr_in	 address;
static pid_t			 pids[FRONTS];
static unsigned int		 nfronts;

/* Of the one front in this process. */
static struct event_base	*base;
static unsigned int		 me, places, claimed, over;
static int			 said, nsaid;

static bool
room(enum protocol protocol)
{
	ck_assert_int_eq(protocol, PROTOCOL_HTTP);
	return page->taken[me] < places && !page->lost[me];
}

static unsigned int
used(unsigned int *total)
{
	*total = PLACES;
	return claimed + page->taken[me];
}

/* Kept open. */
static void
taken(int client, enum protocol protocol, const struct ends *ends)
{
	ck_assert_int_ge(client, 0);
	ck_assert_int_eq(protocol, PROTOCOL_HTTP);
	ck_assert_uint_eq(ends->changed, 5);
	page->taken[me]++;
}

static void
says(int error)
{
	said = error;
	nsaid++;
}

static void
it_is_over(void)
{
	over++;
	(void)event_base_loopbreak(base);
}

static void
shut(int listener)
{
	(void)close(listener);
}

static struct accept_front front = { FRONTS, room, used, taken, says, shut,
    it_is_over };

static void
begin(void)
{
	const struct accept_listener listener = { listening, PROTOCOL_HTTP, 5,
	    false };

	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	accept_make(base, &front, &listener, 1);
	accept_start();
}

static void
setup(void)
{
	struct rlimit	limit;
	socklen_t	size = sizeof(address);

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(page, MAP_FAILED);
	listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ck_assert_int_ge(listening, 0);
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(listening, (struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(listen(listening, BACKLOG), 0);
	ck_assert_int_eq(getsockname(listening, (struct sockaddr *)&address,
	    &size), 0);
	places = PLACES;
}

/* A front with so many places, which says that so many more are in use. */
static void
front_start(unsigned int with, unsigned int claims)
{
	const pid_t test = getpid();

	ck_assert_uint_lt(nfronts, FRONTS);
	pids[nfronts] = fork();
	ck_assert_int_ge(pids[nfronts], 0);
	if (pids[nfronts] != 0) {
		nfronts++;
		return;
	}
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != test)
		_exit(1);
	me = nfronts;
	places = with;
	claimed = claims;
	begin();
	(void)event_base_dispatch(base);
	_exit(1);
}

static void
fronts_start(void)
{
	unsigned int i;

	for (i = 0; i < FRONTS; i++)
		front_start(PLACES, 0);
	(void)usleep(START_US);
}

/* Gives how often they went to sleep. */
static long
fronts_kill(void)
{
	struct rusage	usage;
	unsigned int	i;
	long		sleeps = 0;
	int		status;

	for (i = 0; i < nfronts; i++) {
		ck_assert_int_eq(kill(pids[i], SIGKILL), 0);
		ck_assert_int_eq(wait4(pids[i], &status, 0, &usage), pids[i]);
		/* It had gone on until now. */
		ck_assert(WIFSIGNALED(status));
		ck_assert_int_eq(WTERMSIG(status), SIGKILL);
		sleeps += usage.ru_nvcsw;
	}
	return sleeps;
}

static unsigned int
all_taken(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < FRONTS; i++)
		n += page->taken[i];
	return n;
}

static double
now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int
client_open(void)
{
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address,
	    sizeof(address)), 0);
	return fd;
}

/* Opens n at once, and gives how many ms later all have been taken. */
static double
clients_open(unsigned int n)
{
	const unsigned int	wanted = all_taken() + n;
	const double		start = now_ms();
	unsigned int		i;

	for (i = 0; i < n; i++)
		(void)client_open();
	while (all_taken() < wanted)
		(void)usleep(50);
	return now_ms() - start;
}

static int
compare(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) -
	    (*(const double *)a < *(const double *)b);
}

static void
one_by_one(void)
{
	double		ms[ONE_BY_ONE];
	unsigned int	i;

	for (i = 0; i < ONE_BY_ONE; i++)
		ms[i] = clients_open(1);
	qsort(ms, ONE_BY_ONE, sizeof(ms[0]), compare);
	ck_assert_double_lt(ms[ONE_BY_ONE / 10 * 9], SOON_MS);
	ck_assert_double_lt(ms[ONE_BY_ONE - 1], STRANDED_MS);
}

/* None has more than twice its share. */
static void
shares_fair(void)
{
	unsigned int i;

	for (i = 0; i < FRONTS; i++)
		ck_assert_uint_lt(page->taken[i], 2 * all_taken() / FRONTS);
}

START_TEST(one_at_a_time_goes_to_all_by_turns)
{
	unsigned int i;

	fronts_start();
	one_by_one();
	shares_fair();
	for (i = 0; i < FRONTS; i++)
		ck_assert_uint_gt(page->taken[i], ONE_BY_ONE / FRONTS / 3);
	(void)fronts_kill();
}
END_TEST

/* As they have time: on a busy machine some have little. */
START_TEST(many_at_once_go_to_all)
{
	unsigned int i;

	fronts_start();
	for (i = 0; i < 20; i++)
		ck_assert_double_lt(clients_open(AT_ONCE), STRANDED_MS);
	for (i = 0; i < FRONTS; i++)
		ck_assert_uint_lt(page->taken[i], all_taken() / 4 * 3);
	(void)fronts_kill();
}
END_TEST

START_TEST(one_connection_wakes_one_front)
{
	long sleeps;

	fronts_start();
	one_by_one();
	sleeps = fronts_kill();
	ck_assert_int_ge(sleeps, ONE_BY_ONE / 2);
	ck_assert_int_le(sleeps, ONE_BY_ONE * 2);
}
END_TEST

START_TEST(who_is_full_is_not_woken)
{
	unsigned int i;

	for (i = 1; i < FRONTS; i++)
		front_start(i, 0);
	front_start(PLACES, 0);
	(void)usleep(START_US);
	one_by_one();
	for (i = 1; i < FRONTS; i++)
		ck_assert_uint_eq(page->taken[i - 1], i);
	(void)fronts_kill();
}
END_TEST

START_TEST(who_is_fuller_gets_little_of_many)
{
	front_start(PLACES, PLACES / 10 * 9);
	front_start(PLACES, 0);
	(void)usleep(START_US);
	one_by_one();
	ck_assert_uint_lt(page->taken[0], ONE_BY_ONE / 4);
	(void)fronts_kill();
}
END_TEST

/* So few that its rest is over before the next comes: half as many. */
START_TEST(who_is_fuller_gets_less_of_few)
{
	unsigned int i;

	front_start(PLACES, PLACES / 10 * 9);
	front_start(PLACES, 0);
	(void)usleep(START_US);
	for (i = 0; i < ONE_BY_ONE; i++) {
		ck_assert_double_lt(clients_open(1), STRANDED_MS);
		(void)usleep(RESTED_US);
	}
	ck_assert_uint_lt(page->taken[0], ONE_BY_ONE / 100 * 44);
	ck_assert_uint_gt(page->taken[0], ONE_BY_ONE / 100 * 22);
	(void)fronts_kill();
}
END_TEST

START_TEST(all_fuller_fronts_rest_a_few_ms_at_most)
{
	unsigned int i;

	for (i = 0; i < FRONTS; i++)
		front_start(PLACES, PLACES / 10 * 9);
	(void)usleep(START_US);
	one_by_one();
	shares_fair();
	(void)fronts_kill();
}
END_TEST

/* Who keeps every second connection does not choose where. */
START_TEST(every_second_goes_to_all)
{
	unsigned int	i, before, n = 0;
	int		fd;

	front_start(PLACES, 0);
	front_start(PLACES, 0);
	(void)usleep(START_US);
	for (i = 0; i < ONE_BY_ONE; i++) {
		before = page->taken[0];
		(void)clients_open(1);
		n += page->taken[0] - before;
		fd = client_open();
		while (all_taken() % 2 != 0)
			(void)usleep(50);
		(void)close(fd);
	}
	ck_assert_uint_gt(n, ONE_BY_ONE / 4);
	ck_assert_uint_lt(n, ONE_BY_ONE / 4 * 3);
	(void)fronts_kill();
}
END_TEST

/* It has been woken and cannot: the others find what it leaves. */
START_TEST(who_lost_its_room_strands_nobody)
{
	front_start(PLACES, 0);
	front_start(PLACES, 0);
	(void)usleep(START_US);
	page->lost[0] = true;
	while (page->taken[1] < AT_ONCE)
		ck_assert_double_lt(clients_open(1), FOUND_MS);
	ck_assert_uint_eq(page->taken[0], 0);
	(void)fronts_kill();
}
END_TEST

/* What this front was woken for is taken, and the descriptor closed. */
START_TEST(stopping_without_a_sweep)
{
	begin();
	(void)client_open();
	(void)client_open();
	accept_stop(false);
	ck_assert_uint_eq(page->taken[0], 2);
	ck_assert_uint_eq(over, 0);
	ck_assert_int_ge(event_base_dispatch(base), 0);
	ck_assert_uint_eq(over, 1);
	ck_assert_int_eq(fcntl(listening, F_GETFD), -1);
}
END_TEST

static void
late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	(void)client_open();
	(void)client_open();
}

START_TEST(a_sweep_looks_again)
{
	const struct timeval	soon = { 0, SWEEP_MS * 1000 / 2 };
	const double		start = now_ms();
	unsigned int		i;

	begin();
	for (i = 0; i < AT_ONCE; i++)
		(void)client_open();
	accept_stop(true);
	ck_assert_uint_eq(page->taken[0], AT_ONCE);
	ck_assert_int_eq(event_base_once(base, -1, EV_TIMEOUT, late, NULL,
	    &soon), 0);
	ck_assert_int_ge(event_base_dispatch(base), 0);
	ck_assert_uint_eq(over, 1);
	ck_assert_double_ge(now_ms() - start, SWEEP_MS);
	ck_assert_uint_eq(page->taken[0], AT_ONCE + 2);
	ck_assert_int_eq(fcntl(listening, F_GETFD), -1);
}
END_TEST

static void
loop_ms(int ms)
{
	const struct timeval time = { 0, ms * 1000 };

	ck_assert_int_eq(event_base_loopexit(base, &time), 0);
	ck_assert_int_ge(event_base_dispatch(base), 0);
}

START_TEST(no_descriptors_is_said_once_and_waited_for)
{
	struct rlimit	limit, none;
	int		fd;

	begin();
	(void)client_open();
	fd = dup(listening);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = (rlim_t)fd;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	loop_ms(200);
	ck_assert_int_eq(said, EMFILE);
	ck_assert_int_eq(nsaid, 1);
	ck_assert_uint_eq(page->taken[0], 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	loop_ms(200);
	ck_assert_int_eq(nsaid, 1);
	ck_assert_uint_eq(page->taken[0], 1);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("fronts");
	TCase	*tests = tcase_create("fronts");
	SRunner	*runner;
	int	 failed;

	tcase_set_timeout(tests, LIMIT_S);
	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, one_at_a_time_goes_to_all_by_turns);
	tcase_add_test(tests, many_at_once_go_to_all);
	tcase_add_test(tests, one_connection_wakes_one_front);
	tcase_add_test(tests, who_is_full_is_not_woken);
	tcase_add_test(tests, who_is_fuller_gets_little_of_many);
	tcase_add_test(tests, who_is_fuller_gets_less_of_few);
	tcase_add_test(tests, all_fuller_fronts_rest_a_few_ms_at_most);
	tcase_add_test(tests, every_second_goes_to_all);
	tcase_add_test(tests, who_lost_its_room_strands_nobody);
	tcase_add_test(tests, stopping_without_a_sweep);
	tcase_add_test(tests, a_sweep_looks_again);
	tcase_add_test(tests, no_descriptors_is_said_once_and_waited_for);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
