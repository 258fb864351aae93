/* SPDX-License-Identifier: ISC */
/*
 * Reports on their way to the front.
 */
#include <string.h>

#include "report.h"

enum { REPORT_KINDS = REPORT_BREACH + 1 };

static void	fill(const struct outgoing *, void *);
static void	left(struct outgoing *);

static struct outbox	outbox = {
	.fd = CHILD_REPORT, .size = sizeof(struct report), .fill = fill,
	.left = left
};
static struct unsaid	own[REPORT_KINDS];	/* about no connection */
static void		(*tell_said)(struct unsaid *);

static void
fill(const struct outgoing *outgoing, void *report)
{
	memcpy(report, &((const struct unsaid *)(const void *)outgoing)->report,
	    sizeof(struct report));
}

static void
left(struct outgoing *outgoing)
{
	struct unsaid *unsaid = (void *)outgoing;

	if (unsaid->report.kind == REPORT_ENDED)
		tell_said(unsaid);
}

void
report_own(enum report_kind kind)
{
	own[kind].report.kind = (uint8_t)kind;
	outbox_put(&outbox, &own[kind].outgoing);
}

void
report_ended(struct unsaid *unsaid)
{
	unsaid->report.kind = REPORT_ENDED;
	outbox_put(&outbox, &unsaid->outgoing);
}

void
report_make(struct event_base *base, void (*said)(struct unsaid *),
    void (*gone)(void))
{
	tell_said = said;
	outbox.unheard = gone;
	outbox_make(&outbox, base);
}
