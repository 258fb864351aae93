/* SPDX-License-Identifier: ISC */
/*
 * What one process of ours may say to another: from a legal record each field
 * is given each other value, and only what the tables here name is allowed.
 */
#include <check.h>
#include <string.h>

#include "../../src/common/refusal.h"
#include "../../src/relay/order.h"
#include "../../src/front/rules.h"

#define A	{ "a.example" }

/* Sets of small values: bit n stands for n. */
enum {
	ONLY0 = 1 << 0,
	ONLY1 = 1 << 1,
	BIT = ONLY0 | ONLY1
};

static const struct base {
	enum protocol	protocol;
	struct verdict	verdict;
	unsigned	codes;
	unsigned	acme, head;
} bases[] = {
	{ PROTOCOL_TLS, { .id = 1, .code = VERDICT_NAMED, .name = A },
	    1 << VERDICT_NAMED, BIT, ONLY0 },
	{ PROTOCOL_TLS, { .id = 1, .code = VERDICT_NAMELESS },
	    1 << VERDICT_NAMELESS | 1 << VERDICT_GONE, BIT, ONLY0 },
	{ PROTOCOL_TLS, { .id = 1, .code = VERDICT_REFUSED,
	    .refusal = REFUSAL_MALFORMED }, 1 << VERDICT_REFUSED, ONLY0,
	    ONLY0 },
	{ PROTOCOL_TLS, { .id = 1, .code = VERDICT_GONE },
	    1 << VERDICT_NAMELESS | 1 << VERDICT_GONE, ONLY0, ONLY0 },
	{ PROTOCOL_HTTP, { .id = 1, .code = VERDICT_NAMED, .name = A },
	    1 << VERDICT_NAMED, ONLY0, BIT },
	{ PROTOCOL_HTTP, { .id = 1, .code = VERDICT_NAMED, .name = A,
	    .head = 1 }, 1 << VERDICT_NAMED, ONLY0, BIT },
	{ PROTOCOL_HTTP, { .id = 1, .code = VERDICT_NAMELESS },
	    1 << VERDICT_NAMELESS | 1 << VERDICT_GONE, ONLY0, BIT },
	{ PROTOCOL_HTTP, { .id = 1, .code = VERDICT_REFUSED,
	    .refusal = REFUSAL_MALFORMED }, 1 << VERDICT_REFUSED, ONLY0,
	    BIT },
	{ PROTOCOL_HTTP, { .id = 1, .code = VERDICT_GONE },
	    1 << VERDICT_NAMELESS | 1 << VERDICT_GONE, ONLY0, ONLY0 },
};

enum { BASES = sizeof(bases) / sizeof(bases[0]) };

#define BAD_NAMES							\
	REFUSAL_NAME_EMPTY, REFUSAL_NAME_LONG, REFUSAL_NAME_NOT_ASCII,		\
	REFUSAL_NAME_PORT, REFUSAL_NAME_UNDERSCORE,				\
	REFUSAL_NAME_CHARACTER, REFUSAL_NAME_EMPTY_LABEL,			\
	REFUSAL_NAME_LONG_LABEL, REFUSAL_NAME_HYPHEN, REFUSAL_NAME_DIGITS

static const unsigned char tls_reasons[] = {
	REFUSAL_NOT_HELLO, REFUSAL_OVERFLOW, REFUSAL_MALFORMED,
	REFUSAL_DISAGREE, REFUSAL_TRUNCATED, REFUSAL_TOO_LARGE,
	REFUSAL_TIMEOUT, BAD_NAMES, REFUSAL_OVERLOAD, REFUSAL_NONE
};
static const unsigned char http_reasons[] = {
	REFUSAL_MALFORMED, REFUSAL_TRUNCATED, REFUSAL_TOO_LARGE,
	REFUSAL_TIMEOUT, REFUSAL_METHOD, REFUSAL_CODING, REFUSAL_VERSION,
	BAD_NAMES, REFUSAL_NO_ANSWER, REFUSAL_OVERLOAD, REFUSAL_NONE
};

static bool
allowed(const struct base *base, const struct verdict *verdict)
{
	return rules_verdict(verdict, base->protocol);
}

static bool
in_set(unsigned set, unsigned value)
{
	return value < 32 && (set & 1U << value) != 0;
}

static bool
is_reason(enum protocol protocol, unsigned value)
{
	const unsigned char *reason = protocol == PROTOCOL_TLS ?
	    tls_reasons : http_reasons;

	for (; *reason != REFUSAL_NONE; reason++) {
		if (*reason == value)
			return true;
	}
	return false;
}

START_TEST(bytes)
{
	const struct base	*base = &bases[_i];
	struct verdict		 verdict;
	unsigned		 value;

	for (value = 0; value < 256; value++) {
#define TRY(field, set) do {						\
	verdict = base->verdict;					\
	verdict.field = (uint8_t)value;					\
	ck_assert_msg(allowed(base, &verdict) == (set), #field " %u", value); \
} while (0)
		TRY(code, in_set(base->codes, value));
		TRY(acme, in_set(base->acme, value));
		TRY(head, in_set(base->head, value));
		TRY(zeros[0], value == 0);
		TRY(zeros[1], value == 0);
		TRY(refusal, base->verdict.code == VERDICT_REFUSED ?
		    is_reason(base->protocol, value) : value == REFUSAL_NONE);
	}
}
END_TEST

START_TEST(names)
{
	static const struct hostname	values[] = {
		{ "" }, A, { "../etc" }, { "A.example" }, { "a.example." },
		{ "a.example\0b" }, { "\0a.example" }
	};
	const struct base	*base = &bases[_i];
	struct verdict		 verdict = base->verdict;
	size_t			 i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		verdict.name = values[i];
		ck_assert_msg(allowed(base, &verdict) ==
		    (i == (base->verdict.code == VERDICT_NAMED)), "%zu", i);
	}
	verdict = base->verdict;
	verdict.name.text[HOSTNAME_MAX] = 'x';
	ck_assert(!allowed(base, &verdict));
	verdict = base->verdict;
	verdict.id = 0;
	ck_assert(!allowed(base, &verdict));
}
END_TEST

/* READY and PONG are nothing but their code. */
START_TEST(blank)
{
	static const size_t	 ends[] = { offsetof(struct verdict, code),
				    sizeof(struct verdict) };
	struct verdict		 verdict;
	unsigned char		*byte;
	size_t			 i;

	memset(&verdict, 0, sizeof(verdict));
	verdict.code = (uint8_t)_i;
	ck_assert(rules_blank(&verdict));
	for (i = 0; i < ends[1]; i++) {
		if (i == ends[0])
			continue;
		byte = (unsigned char *)&verdict + i;
		*byte = 1;
		ck_assert_msg(!rules_blank(&verdict), "byte %zu", i);
		*byte = 0;
	}
}
END_TEST

static const struct report words[] = {
	{ .kind = REPORT_READY },
	{ .kind = REPORT_PONG },
	{ .kind = REPORT_BREACH },
	{ .kind = REPORT_ENDED, .ending = ENDING_WHOLE, .up = 1, .down = 2 },
	{ .kind = REPORT_ENDED, .ending = ENDING_RELAY, .id = 7 },
};

enum { WORDS = sizeof(words) / sizeof(words[0]) };

/* From a legal one, each field gets each other value. */
START_TEST(reports)
{
	const bool	ended = words[_i].kind == REPORT_ENDED;
	const bool	named = words[_i].id != 0;
	const bool	breach = words[_i].kind == REPORT_BREACH;
	struct report	report;
	unsigned	value;

#define SAY(field, as, legal) do {					\
	report = words[_i];						\
	report.field = as;						\
	ck_assert_msg(rules_report(&report, PROTOCOL_HTTP, 5) ==	\
	    (legal), #field " %u", value);				\
	ck_assert_msg(rules_report(&report, PROTOCOL_TLS, 5) ==		\
	    ((legal) && report.id == 0 && !breach), #field " %u, TLS",	\
	    value);							\
	ck_assert_msg(rules_report(&report, PROTOCOL_HTTP, 0) ==	\
	    ((legal) && !ended), #field " %u, none", value);		\
} while (0)
	for (value = 0; value < 256; value++) {
		SAY(ending, (uint8_t)value, ended ?
		    value > ENDING_NONE && value < ENDING_COUNT : value == 0);
		SAY(zeros[0], (uint8_t)value, value == 0);
		SAY(zeros[1], (uint8_t)value, value == 0);
		SAY(id, value, ended || value == 0);
		SAY(up, value, ended || value == 0);
		SAY(down, value, ended || value == 0);
		report = words[_i];
		report.kind = (uint8_t)value;
		ck_assert(rules_report(&report, PROTOCOL_HTTP, 5) ==
		    (ended ? value == REPORT_ENDED : value == REPORT_READY ||
		    value == REPORT_PONG || value == REPORT_BREACH));
	}
	SAY(up, INT64_MAX, ended);
	SAY(up, (uint64_t)INT64_MAX + 1, false);
	SAY(down, UINT64_MAX, false);
	ck_assert(!named || !rules_report(&words[_i], PROTOCOL_TLS, 5));
}
END_TEST

/* Orders: a legal one, and which values its fields may have in its place. */
static const struct told {
	enum protocol	protocol;
	struct order	order;
	unsigned	head;
	bool		no_id, some_id;	/* may it be 0; may it be another */
	bool		none, reasons;
} told[] = {
	{ PROTOCOL_TLS, { .kind = ORDER_NONE }, ONLY0, true, false, true,
	    false },
	{ PROTOCOL_HTTP, { .kind = ORDER_PING }, ONLY0, true, false, true,
	    false },
	{ PROTOCOL_TLS, { .kind = ORDER_RELAY }, ONLY0, true, false, true,
	    false },
	{ PROTOCOL_HTTP, { .kind = ORDER_RELAY, .id = 1 }, ONLY0, false, true,
	    true, false },
	{ PROTOCOL_TLS, { .kind = ORDER_REFUSE, .refusal = 1 }, ONLY0, true,
	    false, false, true },
	{ PROTOCOL_HTTP, { .kind = ORDER_REFUSE, .refusal = 1 }, BIT, true,
	    false, false, true },
	{ PROTOCOL_HTTP, { .kind = ORDER_NEXT, .id = 1 }, ONLY0, false, true,
	    true, false },
	{ PROTOCOL_HTTP, { .kind = ORDER_END, .id = 1, .refusal = 1 }, BIT,
	    false, true, false, true },
};

enum { TOLD = sizeof(told) / sizeof(told[0]) };

START_TEST(orders)
{
	const struct told	*row = &told[_i];
	struct order		 order;
	unsigned		 value;

#define TELL(field, legal) do {						\
	order = row->order;						\
	order.field = (uint8_t)value;					\
	ck_assert_msg(order_allowed(&order, row->protocol) == (legal),	\
	    #field " %u", value);					\
} while (0)
	for (value = 0; value < 256; value++) {
		TELL(head, in_set(row->head, value));
		TELL(zero, value == 0);
		TELL(refusal, value == REFUSAL_NONE ? row->none :
		    row->reasons && value < REFUSAL_COUNT);
		TELL(id, value == 0 ? row->no_id : row->some_id);
	}
}
END_TEST

/* A relay for TLS gets no later word, and nobody an unknown one. */
START_TEST(kinds)
{
	struct order	order;
	unsigned	kind;
	int		i;

	for (i = 0; i < TOLD; i++) {
		order = told[i].order;
		if (order.id != 0)
			ck_assert(!order_allowed(&order, PROTOCOL_TLS));
		for (kind = ORDER_END + 1; kind < 256; kind++) {
			order.kind = (uint8_t)kind;
			ck_assert(!order_allowed(&order, PROTOCOL_HTTP));
		}
	}
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("rules");
	TCase	*all = tcase_create("all");
	SRunner	*runner;
	int	 failed;

	tcase_add_loop_test(all, bytes, 0, BASES);
	tcase_add_loop_test(all, names, 0, BASES);
	tcase_add_loop_test(all, blank, VERDICT_READY, VERDICT_PONG + 1);
	tcase_add_loop_test(all, reports, 0, WORDS);
	tcase_add_loop_test(all, orders, 0, TOLD);
	tcase_add_test(all, kinds);
	suite_add_tcase(suite, all);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
