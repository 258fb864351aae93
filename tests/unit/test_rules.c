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

#define HALF	((uint64_t)1 << 63)
#define A	{ "a.example" }

/* Sets of small values: bit n stands for n. */
enum {
	ONLY0 = 1 << 0,
	ONLY1 = 1 << 1,
	BIT = ONLY0 | ONLY1
};

/* When a verdict may come. */
enum turn {
	FRESH,			/* asked, and no request is begun */
	BEGUN,			/* asked, and one is */
	ASKED,
	ASKED_OR_DROPPED
};

/* Which grants are as good. */
enum granting {
	NONE,
	FINITE,
	ALL,
	FINITE_OR_ALL
};

static const struct base {
	enum protocol	protocol;
	struct verdict	verdict;
	enum turn	turn;
	unsigned	codes;
	unsigned	acme, kept, partial, pipelined;
	enum granting	grants;
} bases[] = {
	{ PROTOCOL_TLS, { .id = 1, .code = VERDICT_NAMED, .name = A,
	    .grant = GRANT_UNLIMITED }, FRESH, 1 << VERDICT_NAMED,
	    BIT, ONLY0, ONLY0, ONLY0, ALL },
	{ PROTOCOL_TLS, { .id = 1, .code = VERDICT_NAMELESS,
	    .grant = GRANT_UNLIMITED }, FRESH, 1 << VERDICT_NAMELESS,
	    BIT, ONLY0, ONLY0, ONLY0, ALL },
	{ PROTOCOL_TLS, { .id = 1, .code = VERDICT_REFUSED,
	    .refusal = REFUSAL_MALFORMED }, ASKED, 1 << VERDICT_REFUSED,
	    ONLY0, ONLY0, ONLY0, ONLY0, NONE },
	{ PROTOCOL_TLS, { .id = 1, .code = VERDICT_GONE }, ASKED_OR_DROPPED,
	    1 << VERDICT_GONE, ONLY0, ONLY0, ONLY0, ONLY0, NONE },
	{ PROTOCOL_HTTP, { .id = 1, .code = VERDICT_NAMED, .name = A,
	    .grant = 10 }, FRESH, 1 << VERDICT_NAMED,
	    ONLY0, BIT, ONLY0, BIT, FINITE_OR_ALL },
	{ PROTOCOL_HTTP, { .id = 1, .code = VERDICT_NAMED, .name = A,
	    .grant = 10, .kept = 1 }, FRESH, 1 << VERDICT_NAMED,
	    ONLY0, BIT, BIT, BIT, FINITE },
	{ PROTOCOL_HTTP, { .id = 1, .code = VERDICT_NAMED, .name = A,
	    .grant = 10, .kept = 1, .partial = 1 }, FRESH,
	    1 << VERDICT_NAMED, ONLY0, ONLY1, BIT, BIT, FINITE },
	{ PROTOCOL_HTTP, { .id = 1, .code = VERDICT_NAMED, .name = A,
	    .grant = GRANT_UNLIMITED }, FRESH, 1 << VERDICT_NAMED,
	    ONLY0, ONLY0, ONLY0, BIT, FINITE_OR_ALL },
	{ PROTOCOL_HTTP, { .id = 1, .code = VERDICT_NAMELESS, .grant = 10,
	    .kept = 1 }, FRESH, 1 << VERDICT_NAMELESS,
	    ONLY0, BIT, BIT, BIT, FINITE },
	{ PROTOCOL_HTTP, { .id = 1, .code = VERDICT_NAMELESS,
	    .grant = GRANT_UNLIMITED }, FRESH, 1 << VERDICT_NAMELESS,
	    ONLY0, ONLY0, ONLY0, BIT, FINITE_OR_ALL },
	{ PROTOCOL_HTTP, { .id = 1, .code = VERDICT_MORE, .grant = 10,
	    .kept = 1 }, BEGUN, 1 << VERDICT_MORE,
	    ONLY0, BIT, BIT, BIT, FINITE },
	{ PROTOCOL_HTTP, { .id = 1, .code = VERDICT_MORE, .grant = 10 },
	    BEGUN, 1 << VERDICT_MORE, ONLY0, BIT, ONLY0, BIT, FINITE },
	{ PROTOCOL_HTTP, { .id = 1, .code = VERDICT_REFUSED,
	    .refusal = REFUSAL_MALFORMED }, ASKED, 1 << VERDICT_REFUSED,
	    ONLY0, ONLY0, ONLY0, BIT, NONE },
	{ PROTOCOL_HTTP, { .id = 1, .code = VERDICT_GONE },
	    ASKED_OR_DROPPED, 1 << VERDICT_GONE,
	    ONLY0, ONLY0, ONLY0, ONLY0, NONE },
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
	BAD_NAMES, REFUSAL_OVERLOAD, REFUSAL_NONE
};

static struct verdict_context
context_of(const struct base *base)
{
	struct verdict_context context = { 0 };

	context.protocol = base->protocol;
	context.asked = true;
	context.partial = base->turn == BEGUN;
	return context;
}

static bool
allowed(const struct base *base, const struct verdict *verdict)
{
	const struct verdict_context context = context_of(base);

	return rules_verdict(verdict, &context);
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
		TRY(kept, in_set(base->kept, value));
		TRY(partial, in_set(base->partial, value));
		TRY(pipelined, in_set(base->pipelined, value));
		TRY(refusal, base->verdict.code == VERDICT_REFUSED ?
		    is_reason(base->protocol, value) : value == REFUSAL_NONE);
	}
}
END_TEST

static bool
grant_expected(enum granting granting, uint64_t grant)
{
	switch (granting) {
	case NONE:
		return grant == 0;
	case FINITE:
		return grant != 0 && grant != GRANT_UNLIMITED;
	case ALL:
		return grant == GRANT_UNLIMITED;
	case FINITE_OR_ALL:
		break;
	}
	return grant != 0;
}

START_TEST(grant)
{
	static const uint64_t	 values[] = { 0, 1, HALF,
				    GRANT_UNLIMITED - 1, GRANT_UNLIMITED };
	const struct base	*base = &bases[_i];
	struct verdict		 verdict = base->verdict;
	size_t			 i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		verdict.grant = values[i];
		ck_assert_msg(allowed(base, &verdict) ==
		    grant_expected(base->grants, values[i]), "%zu", i);
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

START_TEST(turns)
{
	const struct base	*base = &bases[_i];
	struct verdict		 verdict = base->verdict;
	struct verdict_context	 context = context_of(base);
	bool			 legal = false;
	unsigned		 bits;

	for (bits = 0; bits < 16; bits++) {
		context.first = (bits & 1) != 0;
		context.asked = (bits & 2) != 0;
		context.dropped = (bits & 4) != 0;
		context.partial = (bits & 8) != 0;
		switch (base->turn) {
		case FRESH:
			legal = context.asked && !context.partial;
			break;
		case BEGUN:
			legal = context.asked && context.partial;
			break;
		case ASKED:
			legal = context.asked;
			break;
		case ASKED_OR_DROPPED:
			legal = context.asked || context.dropped;
			break;
		}
		verdict.pipelined = 0;
		ck_assert(rules_verdict(&verdict, &context) == legal);
		verdict.pipelined = 1;
		ck_assert(rules_verdict(&verdict, &context) == (legal &&
		    !context.first && in_set(base->pipelined, 1)));
	}
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
	verdict.grant = GRANT_UNLIMITED;
	ck_assert(!rules_blank(&verdict));
}
END_TEST

START_TEST(reports)
{
	struct report	report;
	bool		legal[2];

	for (report.kind = 0; report.kind < 300; report.kind++) {
		for (report.value = 0; report.value < 7; report.value++) {
			legal[PROTOCOL_TLS] = (report.value == 0 &&
			    (report.kind == REPORT_READY ||
			    report.kind == REPORT_PONG)) ||
			    (report.kind == REPORT_ENDED &&
			    report.value >= 1 && report.value <= 5);
			legal[PROTOCOL_HTTP] = legal[PROTOCOL_TLS] ||
			    (report.value != 0 &&
			    (report.kind == REPORT_MOVED ||
			    report.kind == REPORT_LONELY ||
			    report.kind == REPORT_LEFT));
			ck_assert(rules_report(&report, PROTOCOL_TLS, 5) ==
			    legal[PROTOCOL_TLS]);
			ck_assert(rules_report(&report, PROTOCOL_HTTP, 5) ==
			    legal[PROTOCOL_HTTP]);
		}
	}
}
END_TEST

/* Orders: a legal one, and which values its fields may have in its place. */
static const struct told {
	enum protocol	protocol;
	struct order	order;
	unsigned	last, patient, partial;
	enum granting	grants;
	bool		no_id, some_id;	/* may it be 0; may it be another */
	bool		none, reasons;
} told[] = {
	{ PROTOCOL_TLS, { .kind = ORDER_NONE }, ONLY0, ONLY0, ONLY0, NONE,
	    true, false, true, false },
	{ PROTOCOL_HTTP, { .kind = ORDER_PING }, ONLY0, ONLY0, ONLY0, NONE,
	    true, false, true, false },
	{ PROTOCOL_TLS, { .kind = ORDER_RELAY, .grant = GRANT_UNLIMITED },
	    ONLY0, ONLY0, ONLY0, ALL, true, false, true, false },
	{ PROTOCOL_HTTP, { .kind = ORDER_RELAY, .grant = GRANT_UNLIMITED },
	    ONLY0, ONLY0, ONLY0, FINITE_OR_ALL, true, false, true, false },
	{ PROTOCOL_HTTP, { .kind = ORDER_RELAY, .grant = 10, .id = 1 },
	    ONLY0, ONLY0, BIT, FINITE, true, true, true, false },
	{ PROTOCOL_HTTP, { .kind = ORDER_RELAY, .grant = 10, .id = 1,
	    .partial = 1 }, ONLY0, ONLY0, BIT, FINITE, false, true, true,
	    false },
	{ PROTOCOL_TLS, { .kind = ORDER_REFUSE, .refusal = 1 },
	    ONLY0, ONLY0, ONLY0, NONE, true, false, false, true },
	{ PROTOCOL_HTTP, { .kind = ORDER_REFUSE, .refusal = 1 },
	    ONLY0, ONLY0, ONLY0, NONE, true, false, false, true },
	{ PROTOCOL_HTTP, { .kind = ORDER_GRANT, .grant = 10, .id = 1 },
	    BIT, ONLY0, BIT, FINITE, false, true, true, false },
	{ PROTOCOL_HTTP, { .kind = ORDER_GRANT, .grant = 10, .id = 1,
	    .last = 1 }, BIT, ONLY0, ONLY0, FINITE_OR_ALL, false, true, true,
	    false },
	{ PROTOCOL_HTTP, { .kind = ORDER_NEXT, .grant = 10, .id = 1,
	    .partial = 1 }, ONLY0, BIT, BIT, FINITE, false, true, true,
	    false },
	{ PROTOCOL_HTTP, { .kind = ORDER_NEXT, .grant = GRANT_UNLIMITED,
	    .id = 1, .last = 1 }, ONLY1, BIT, ONLY0, FINITE_OR_ALL, false,
	    true, true, false },
	{ PROTOCOL_HTTP, { .kind = ORDER_END, .id = 1, .last = 1 },
	    ONLY1, BIT, ONLY0, NONE, false, true, true, true },
};

enum { TOLD = sizeof(told) / sizeof(told[0]) };

START_TEST(orders)
{
	static const uint64_t	 grants[] = { 0, 1, HALF, GRANT_UNLIMITED };
	const struct told	*row = &told[_i];
	struct order		 order;
	unsigned		 value;

#define TELL(field, legal) do {						\
	order = row->order;						\
	order.field = value;						\
	ck_assert_msg(order_allowed(&order, row->protocol) == (legal),	\
	    #field " %u", value);					\
} while (0)
	for (value = 0; value < 256; value++) {
		TELL(last, in_set(row->last, value));
		TELL(patient, in_set(row->patient, value));
		TELL(partial, in_set(row->partial, value));
		TELL(refusal, value == REFUSAL_NONE ? row->none :
		    row->reasons && value < REFUSAL_COUNT);
		TELL(id, value == 0 ? row->no_id : row->some_id);
	}
	for (value = 0; value < sizeof(row->order.zeros); value++) {
		order = row->order;
		order.zeros[value] = 1;
		ck_assert(!order_allowed(&order, row->protocol));
	}
	order = row->order;
	for (value = 0; value < 4; value++) {
		order.grant = grants[value];
		ck_assert(order_allowed(&order, row->protocol) ==
		    grant_expected(row->grants, grants[value]));
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
	tcase_add_loop_test(all, grant, 0, BASES);
	tcase_add_loop_test(all, names, 0, BASES);
	tcase_add_loop_test(all, turns, 0, BASES);
	tcase_add_loop_test(all, blank, VERDICT_READY, VERDICT_PONG + 1);
	tcase_add_test(all, reports);
	tcase_add_loop_test(all, orders, 0, TOLD);
	tcase_add_test(all, kinds);
	suite_add_tcase(suite, all);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
