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
	KEPT = 1 << 4,		/* and partial with it */
	PIPELINED = 1 << 5,
	LIMITED = 1 << 6,	/* has a grant with a limit */
	UNLIMITED = 1 << 7,	/* has one without; both: one of them */
	ANY = LIMITED | UNLIMITED
};

enum { CODES = VERDICT_GONE + 1 };

static const unsigned char rules[PROTOCOL_COUNT][CODES] = {
	[PROTOCOL_TLS] = {
		[VERDICT_NAMED] = SAID | NAME | ACME | UNLIMITED,
		[VERDICT_NAMELESS] = SAID | ACME | UNLIMITED,
		[VERDICT_REFUSED] = SAID | REASON,
		[VERDICT_GONE] = SAID
	},
	[PROTOCOL_HTTP] = {
		[VERDICT_NAMED] = SAID | NAME | KEPT | PIPELINED | ANY,
		[VERDICT_NAMELESS] = SAID | KEPT | PIPELINED | ANY,
		[VERDICT_MORE] = SAID | KEPT | PIPELINED | LIMITED,
		[VERDICT_REFUSED] = SAID | REASON | PIPELINED,
		[VERDICT_GONE] = SAID
	}
};

static bool
bit_allowed(uint8_t value, bool one)
{
	return value == 0 || (value == 1 && one);
}

static bool
bits_allowed(const struct verdict *verdict, unsigned int rule, bool first)
{
	const bool kept = (rule & KEPT) != 0;

	return bit_allowed(verdict->acme, (rule & ACME) != 0) &&
	    bit_allowed(verdict->kept, kept) &&
	    bit_allowed(verdict->partial, kept && verdict->kept == 1) &&
	    bit_allowed(verdict->pipelined,
	    (rule & PIPELINED) != 0 && !first);
}

static bool
grant_allowed(const struct verdict *verdict, unsigned int rule)
{
	if (verdict->grant == 0)
		return (rule & ANY) == 0;
	if (verdict->grant == GRANT_UNLIMITED)
		return (rule & UNLIMITED) != 0 && verdict->kept == 0;
	return (rule & LIMITED) != 0;
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

/* Is it this one's turn? */
static bool
due(enum verdict_code code, const struct verdict_context *context)
{
	switch (code) {
	case VERDICT_NAMED:
	case VERDICT_NAMELESS:
		return context->asked && !context->partial;
	case VERDICT_MORE:
		return context->asked && context->partial;
	case VERDICT_REFUSED:
		return context->asked;
	case VERDICT_GONE:
		return context->asked || context->dropped;
	case VERDICT_READY:
	case VERDICT_PONG:
		break;
	}
	return false;
}

bool
rules_verdict(const struct verdict *verdict,
    const struct verdict_context *context)
{
	unsigned int rule;

	if (verdict->code >= CODES)
		return false;
	rule = rules[context->protocol][verdict->code];
	return (rule & SAID) != 0 && verdict->id != 0 &&
	    due((enum verdict_code)verdict->code, context) &&
	    bits_allowed(verdict, rule, context->first) &&
	    grant_allowed(verdict, rule) && name_allowed(verdict, rule) &&
	    reason_allowed(verdict, rule, context->protocol);
}

bool
rules_blank(const struct verdict *verdict)
{
	return verdict->id == 0 && bits_allowed(verdict, 0, true) &&
	    grant_allowed(verdict, 0) && name_allowed(verdict, 0) &&
	    verdict->refusal == REFUSAL_NONE;
}

bool
rules_report(const struct report *report, enum protocol protocol,
    unsigned int load)
{
	switch ((enum report_kind)report->kind) {
	case REPORT_READY:
	case REPORT_PONG:
		return report->value == 0;
	case REPORT_ENDED:
		return report->value > 0 && report->value <= load;
	/* A TLS relay is told all at once, and learns no id. */
	case REPORT_MOVED:
	case REPORT_LONELY:
	case REPORT_LEFT:
		return protocol == PROTOCOL_HTTP && report->value != 0;
	}
	return false;
}
