/* SPDX-License-Identifier: ISC */
/*
 * What usherd-http may say to its relay: each field of a legal record is given
 * each other value, each set of flags is tried, and sums up to their limits.
 */
#include <check.h>

#include "../../src/relay/granted.h"

#define HALF	((uint64_t)1 << 63)

enum { FLAGS = 12 };	/* enum grant_flag has so many */

static const uint64_t amounts[] = {
	0, 1, HALF - 1, HALF, GRANT_UNLIMITED - 1, GRANT_UNLIMITED
};

enum { AMOUNTS = sizeof(amounts) / sizeof(amounts[0]) };

static bool
legal(uint64_t amount)
{
	return amount < HALF || amount == GRANT_UNLIMITED;
}

START_TEST(fields)
{
	const struct grant	base = { .id = 1, .backend = 1, .up = 1 };
	struct grant		grant = base;
	int			i;

	ck_assert(granted_allowed(&grant));
	grant.id = 0;
	ck_assert(!granted_allowed(&grant));
	grant.id = UINT32_MAX;
	ck_assert(granted_allowed(&grant));
	grant.backend = 0;
	ck_assert(!granted_allowed(&grant));
	grant.backend = UINT32_MAX;
	ck_assert(granted_allowed(&grant));
	grant = base;
	for (i = 0; i < AMOUNTS; i++) {
		grant.up = 1;
		grant.down = amounts[i];
		ck_assert(granted_allowed(&grant) == legal(amounts[i]));
		grant.up = amounts[i];
		grant.down = 1;
		ck_assert(granted_allowed(&grant) == legal(amounts[i]));
	}
	grant = base;
	grant.up = 0;		/* it says nothing */
	ck_assert(!granted_allowed(&grant));
}
END_TEST

static unsigned int
count(uint32_t bits)
{
	unsigned int n = 0;

	for (; bits != 0; bits &= bits - 1)
		n++;
	return n;
}

/* As message.h says it. */
static bool
expected(uint32_t flags, bool bytes)
{
	const uint32_t ends = GRANT_FINISH | GRANT_LAST | GRANT_WARY |
	    GRANT_TUNNEL | GRANT_CUT;

	if (flags == 0 && !bytes)
		return false;
	if (count(flags & ends) > 1 ||
	    count(flags & (GRANT_HURRY | GRANT_CALM)) > 1)
		return false;
	return (flags & GRANT_STOP) == 0 || (!bytes && (flags &
	    (ends | GRANT_HURRY | GRANT_CALM | GRANT_OPEN)) == 0);
}

START_TEST(flags)
{
	struct grant	grant = { .id = 1, .backend = 1 };
	unsigned int	bytes, bit;

	for (grant.flags = 0; grant.flags < 1U << FLAGS; grant.flags++) {
		for (bytes = 0; bytes < 3; bytes++) {
			grant.up = bytes == 1;
			grant.down = bytes == 2;
			ck_assert_msg(granted_allowed(&grant) ==
			    expected(grant.flags, bytes != 0),
			    "%#x with %u", grant.flags, bytes);
		}
	}
	for (bit = FLAGS; bit < 32; bit++) {
		grant.flags = GRANT_TELL_UP | 1U << bit;
		ck_assert_msg(!granted_allowed(&grant), "bit %u", bit);
	}
}
END_TEST

/* Both below 2^63 and so is their sum, or there is no limit from now on. */
START_TEST(sums)
{
	uint64_t	left, more;
	bool		fits;
	int		i;

	for (i = 0; i < AMOUNTS * AMOUNTS; i++) {
		left = amounts[i / AMOUNTS];
		more = amounts[i % AMOUNTS];
		if (!legal(left))
			continue;
		fits = more == 0 || more == GRANT_UNLIMITED || (more < HALF &&
		    left < HALF && left + more < HALF);
		ck_assert_msg(granted_add(&left, more) == fits, "case %d", i);
		if (!fits || more == 0)
			ck_assert_uint_eq(left, amounts[i / AMOUNTS]);
		else if (more == GRANT_UNLIMITED)
			ck_assert_uint_eq(left, GRANT_UNLIMITED);
		else
			ck_assert_uint_eq(left, amounts[i / AMOUNTS] + more);
	}
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("granted");
	TCase	*all = tcase_create("all");
	SRunner	*runner;
	int	 failed;

	tcase_add_test(all, fields);
	tcase_add_test(all, flags);
	tcase_add_test(all, sums);
	suite_add_tcase(suite, all);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
