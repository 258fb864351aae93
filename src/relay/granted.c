/* SPDX-License-Identifier: ISC */
/*
 * What usherd-http grants: the pipe, and what a record may say.
 */
#include <err.h>
#include <errno.h>
#include <unistd.h>

#include "granted.h"

enum {
	LETS_GO = GRANT_FINISH | GRANT_LAST | GRANT_WARY | GRANT_TUNNEL |
	    GRANT_CUT,
	HASTE = GRANT_HURRY | GRANT_CALM,
	BESIDE_STOP = GRANT_STOP | GRANT_TELL_UP | GRANT_TELL_DOWN |
	    GRANT_AWAY,
	ALL = BESIDE_STOP | HASTE | LETS_GO | GRANT_OPEN
};

static struct event	*readable;
static bool		(*tell_take)(const struct grant *);
static void		(*tell_lost)(bool);

static bool
amount_allowed(uint64_t amount)
{
	return amount <= INT64_MAX || amount == GRANT_UNLIMITED;
}

/* Has it no more than one bit set? */
static bool
one_at_most(uint32_t bits)
{
	return (bits & (bits - 1)) == 0;
}

bool
granted_allowed(const struct grant *grant)
{
	if (grant->id == 0 || grant->backend == 0)
		return false;
	if ((grant->flags & ~(uint32_t)ALL) != 0 ||
	    !one_at_most(grant->flags & LETS_GO) ||
	    !one_at_most(grant->flags & HASTE))
		return false;
	if ((grant->flags & GRANT_STOP) != 0)
		return (grant->flags & ~(uint32_t)BESIDE_STOP) == 0 &&
		    grant->up == 0 && grant->down == 0;
	return amount_allowed(grant->up) && amount_allowed(grant->down) &&
	    (grant->up != 0 || grant->down != 0 || grant->flags != 0);
}

bool
granted_add(uint64_t *left, uint64_t more)
{
	if (more == 0)
		return true;
	if (more == GRANT_UNLIMITED) {
		*left = GRANT_UNLIMITED;
		return true;
	}
	/* Nor more to what has no limit: it lies above any that has. */
	if (more > INT64_MAX || *left > INT64_MAX - more)
		return false;
	*left += more;
	return true;
}

/* From now on nobody looks into the pipe, whatever is in it. */
static void
lost(bool breach)
{
	(void)event_del(readable);
	tell_lost(breach);
}

static void
take_grants(evutil_socket_t fd, short what, void *arg)
{
	struct grant	grants[GRANT_BATCH];
	ssize_t		n;
	size_t		i;

	(void)what;
	(void)arg;
	do {
		n = read(fd, grants, sizeof(grants));
	} while (n == -1 && errno == EINTR);
	if (n == -1 && errno == EAGAIN)
		return;
	/* What is written whole is read whole: half a record is a lie. */
	if (n <= 0 || (size_t)n % sizeof(grants[0]) != 0) {
		lost(n > 0);
		return;
	}
	for (i = 0; i < (size_t)n / sizeof(grants[0]); i++) {
		if (granted_allowed(&grants[i]) && tell_take(&grants[i]))
			continue;
		lost(true);
		return;
	}
}

void
granted_make(struct event_base *base, bool (*take)(const struct grant *),
    void (*lost_fn)(bool))
{
	tell_take = take;
	tell_lost = lost_fn;
	readable = event_new(base, CHILD_GRANT, EV_READ | EV_PERSIST,
	    take_grants, NULL);
	if (readable == NULL || event_add(readable, NULL) == -1)
		errx(1, "out of memory");
}
