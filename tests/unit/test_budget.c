/* SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/common/address.h"
#include "../../src/common/timeouts.h"
#include "../../src/log/budget.h"

enum {
	EACH = 2,		/* refusals of each source of a network */
	SUBNETS = 65536,
	SECONDS_MAX = 10,	/* that a loop takes, with sanitizers too */
	OTHERS = 200
};

static struct sockaddr_in6
address_of(const char *text)
{
	struct sockaddr_in6 address;

	memset(&address, 0, sizeof(address));
	address.sin6_family = AF_INET6;
	ck_assert_int_eq(inet_pton(AF_INET6, text, &address.sin6_addr), 1);
	return address;
}

static bool
told(const struct sockaddr_in6 *address)
{
	const struct sockaddr *any = (const struct sockaddr *)address;

	return budget_take(address_source(any), address_network(any),
	    timeouts_now());
}

/* Each of the 65536 sources of a /48 is refused, and that EACH times. */
static unsigned int
flood(void)
{
	struct sockaddr_in6	address = address_of("2001:db8:1::");
	unsigned int		i, n = 0;

	for (i = 0; i < EACH * SUBNETS; i++) {
		address.sin6_addr.s6_addr[6] = (uint8_t)(i >> 8);
		address.sin6_addr.s6_addr[7] = (uint8_t)i;
		n += told(&address);
	}
	return n;
}

START_TEST(one_network)
{
	struct sockaddr_in6	other = address_of("2001:db8:2::1");
	unsigned int		i, n, missed = 0;

	budget_make();
	n = flood();
	ck_assert_uint_ge(n, BUDGET_NETWORK_BURST + BUDGET_BURST / 2);
	ck_assert_uint_le(n, BUDGET_NETWORK_BURST + BUDGET_BURST / 2 +
	    SECONDS_MAX * (BUDGET_NETWORK_RATE + BUDGET_RATE / 2));
	for (i = 0; i < OTHERS; i++) {
		other.sin6_addr.s6_addr[4] = (uint8_t)(i + 1);
		missed += !told(&other);
	}
	/* The key is another each time: a few may fall upon its place. */
	ck_assert_uint_le(missed, OTHERS / 16);
}
END_TEST

START_TEST(one_source)
{
	struct sockaddr_in6	address = address_of("::ffff:192.0.2.1");
	struct sockaddr_in6	neighbour = address_of("::ffff:192.0.2.2");
	unsigned int		i, n = 0;

	budget_make();
	for (i = 0; i < SUBNETS; i++)
		n += told(&address);
	ck_assert_uint_ge(n, BUDGET_OWN_BURST + BUDGET_BURST / 2);
	ck_assert_uint_le(n, BUDGET_OWN_BURST + BUDGET_BURST / 2 +
	    SECONDS_MAX * (BUDGET_OWN_RATE + BUDGET_RATE / 2));
	ck_assert(told(&neighbour));
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("budget");
	TCase	*tests = tcase_create("budget");
	SRunner	*runner;
	int	 failed;

	tcase_set_timeout(tests, SECONDS_MAX);
	tcase_add_test(tests, one_network);
	tcase_add_test(tests, one_source);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
