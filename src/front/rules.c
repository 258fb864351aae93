/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "../common/refusal.h"
#include "rules.h"

/* What a verdict may have in it. */
enum {
	SAID = 1 << 0,		/* it may be given at all */
	NAME = 1 << 1,		/* has a name */
	REASON = 1 << 2,	/* has a reason */
	ACME = 1 << 3,
	HEAD = 1 << 4
};

enum { CODES = VERDICT_GONE + 1 };

static const unsigned char rules[PROTOCOL_COUNT][CODES] = {
	[PROTOCOL_TLS] = {
		[VERDICT_NAMED] = SAID | NAME | ACME,
		[VERDICT_NAMELESS] = SAID | ACME,
		[VERDICT_REFUSED] = SAID | REASON,
		[VERDICT_GONE] = SAID
	},
	[PROTOCOL_HTTP] = {
		[VERDICT_NAMED] = SAID | NAME | HEAD,
		[VERDICT_NAMELESS] = SAID | HEAD,
		[VERDICT_REFUSED] = SAID | REASON | HEAD,
		[VERDICT_GONE] = SAID
	}
};

static bool
bit_allowed(uint8_t value, bool one)
{
	return value == 0 || (value == 1 && one);
}

static bool
bits_allowed(const struct verdict *verdict, unsigned int rule)
{
	return bit_allowed(verdict->acme, (rule & ACME) != 0) &&
	    bit_allowed(verdict->head, (rule & HEAD) != 0) &&
	    verdict->zeros[0] == 0 && verdict->zeros[1] == 0;
}

static bool
name_allowed(const struct verdict *verdict, unsigned int rule)
{
	static const struct hostname	none;
	struct hostname			name;

	if ((rule & NAME) != 0)
		return hostname_check(&name, &verdict->name) == 0;
	return memcmp(&verdict->name, &none, sizeof(none)) == 0;
}

static bool
reason_allowed(const struct verdict *verdict, unsigned int rule,
    enum protocol protocol)
{
	if ((rule & REASON) != 0)
		return refusal_said_by(verdict->refusal, protocol);
	return verdict->refusal == REFUSAL_NONE;
}

bool
rules_verdict(const struct verdict *verdict, enum protocol protocol)
{
	unsigned int rule;

	if (verdict->code >= CODES)
		return false;
	rule = rules[protocol][verdict->code];
	return (rule & SAID) != 0 && verdict->id != 0 &&
	    bits_allowed(verdict, rule) && name_allowed(verdict, rule) &&
	    reason_allowed(verdict, rule, protocol);
}

bool
rules_blank(const struct verdict *verdict)
{
	return verdict->id == 0 && bits_allowed(verdict, 0) &&
	    name_allowed(verdict, 0) && verdict->refusal == REFUSAL_NONE;
}

static bool
report_blank(const struct report *report)
{
	return report->ending == ENDING_NONE && report->id == 0 &&
	    report->up == 0 && report->down == 0;
}

bool
rules_report(const struct report *report, enum protocol protocol,
    unsigned int load)
{
	if (report->zeros[0] != 0 || report->zeros[1] != 0)
		return false;
	switch ((enum report_kind)report->kind) {
	case REPORT_READY:
	case REPORT_PONG:
		return report_blank(report);
	case REPORT_BREACH:
		return protocol == PROTOCOL_HTTP && report_blank(report);
	case REPORT_ENDED:
		return load > 0 && report->ending > ENDING_NONE &&
		    report->ending < ENDING_COUNT &&
		    (report->id == 0 || protocol == PROTOCOL_HTTP) &&
		    report->up <= INT64_MAX && report->down <= INT64_MAX;
	}
	return false;
}
