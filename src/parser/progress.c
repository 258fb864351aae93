/* SPDX-License-Identifier: ISC */
/*
 * Progress from the relay.  The relay sees no foreign byte and may do more
 * harm than this process, so it is no stranger: but what it says decides what
 * is read next, and one that breaks the rules is not what it should be.
 */
#include <err.h>
#include <errno.h>
#include <unistd.h>

#include "progress.h"

enum {
	FLAGS = PROGRESS_CLIENT_ENDED | PROGRESS_TENANT_DEAF |
	    PROGRESS_TENANT_ENDED | PROGRESS_OVER
};

_Static_assert(sizeof(struct progress) * PROGRESS_BATCH <= 4096,
    "a batch of them is written whole");

static struct event	*event;
static void		(*hear)(const struct progress *);
static void		(*lose)(void);

bool
progress_legal(const struct progress *progress)
{
	return progress->id != 0 && progress->backend != 0 &&
	    (progress->flags & ~(uint32_t)FLAGS) == 0 &&
	    ((progress->flags & PROGRESS_TENANT_ENDED) == 0 ||
	    (progress->flags & PROGRESS_OVER) != 0) &&
	    progress->untaken <= progress->up &&
	    progress->up <= INT64_MAX && progress->down <= INT64_MAX;
}

bool
progress_possible(const struct progress *progress,
    const struct progress_context *context)
{
	/* The relay may have been told of one backend more than we have: what
	 * it says then is over, or says nothing. */
	if (progress->backend > context->backend)
		return (progress->flags & PROGRESS_OVER) != 0 ||
		    progress->backend - context->backend == 1;
	if ((int32_t)(context->serial - progress->serial) < 0)
		return false;
	return progress->backend < context->backend ||
	    (progress->up <= context->up && progress->down <= context->down);
}

static void
take(evutil_socket_t fd, short what, void *arg)
{
	struct progress	records[PROGRESS_BATCH];
	ssize_t		n;
	size_t		i;

	(void)what;
	(void)arg;
	do {
		n = read(fd, records, sizeof(records));
	} while (n == -1 && errno == EINTR);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		(void)event_del(event);	/* of one that was added */
		lose();
		return;
	}
	if ((size_t)n % sizeof(records[0]) != 0)
		_exit(1);	/* half a record */
	for (i = 0; i < (size_t)n / sizeof(records[0]); i++) {
		if (!progress_legal(&records[i]))
			_exit(1);
		hear(&records[i]);
	}
}

void
progress_make(struct event_base *base, void (*heard)(const struct progress *),
    void (*lost)(void))
{
	hear = heard;
	lose = lost;
	event = event_new(base, CHILD_PROGRESS, EV_READ | EV_PERSIST, take,
	    NULL);
	if (event == NULL || event_add(event, NULL) == -1)
		errx(1, "out of memory");
}
