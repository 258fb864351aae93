/* SPDX-License-Identifier: ISC */
/*
 * Progress on its way to usherd-http.
 */
#include "told.h"

static struct outbox	outbox = {
	.fd = CHILD_PROGRESS, .size = sizeof(struct progress),
	.unheard = told_mute
};
static bool		parser;		/* there is one that listens */

_Static_assert(PROGRESS_BATCH * sizeof(struct progress) <= OUTBOX_BYTES,
    "a batch of progress is written whole");

void
told_progress(struct outgoing *untold)
{
	if (parser)
		outbox_put(&outbox, untold);
}

void
told_mute(void)
{
	if (parser)
		outbox_mute(&outbox);
	parser = false;
}

void
told_make(struct event_base *base,
    void (*fill)(const struct outgoing *, void *),
    void (*said)(struct outgoing *))
{
	outbox.fill = fill;
	outbox.left = said;
	outbox_make(&outbox, base);
	parser = true;
}
