/* SPDX-License-Identifier: ISC */
#include "recycle.h"
#include "request.h"

enum {
	TERM_MS = 60 * 60 * 1000,
	AGAIN_MS = 2 * 1000,	/* so many drain already, or none came */
	DRAIN_MS = 10 * 60 * 1000 /* a client that keeps its HTTP connection
				 * busy for longer loses it */
};

static struct timeouts	terms, again, drains;
static unsigned int	limit;		/* connections, 0: never */

static void
term_move(struct child *child, struct timeouts *list)
{
	if (child->termed != NULL)
		timeouts_remove(child->termed, &child->term);
	child->termed = list;
	if (list != NULL)
		timeouts_touch(list, &child->term);
}

static struct child *
child_of(struct timeout *term)
{
	struct child *child;

	child = (void *)((char *)term - offsetof(struct child, term));
	child->termed = NULL;
	return child;
}

/*
 * One more that drains must not end the oldest of them: its relay may hold
 * connections that last for days.
 */
static void
begin(struct child *old)
{
	if (old->state != CHILD_READY)
		return;
	/* Asked once more where none has come. */
	term_move(old, &again);
	if (children_draining(old->kind) < DRAINING_MAX &&
	    children_draining(old->protocol == PROTOCOL_HTTP ?
	    CHILD_HTTP_RELAY : old->kind) < DRAINING_MAX)
		request_replace(old->kind);
}

static void
term_over(struct timeout *term)
{
	begin(child_of(term));
}

static void
drain_over(struct timeout *term)
{
	struct child *child = child_of(term);

	child_say(child, LOG_DRAINED_LONG, child->load, DRAIN_MS / 1000);
	child_end(child);
}

void
recycle_shown(struct child *parser)
{
	if (++parser->taken == limit)
		begin(parser);
}

void
recycle_released(struct child *parser)
{
	if (parser->state == CHILD_DRAINING && parser->load == 0)
		term_move(parser, NULL);
	child_release_drained(parser);
	if (parser->pair != NULL)
		child_release_drained(parser->pair);
}

static void
succeed(struct child *old, void *arg)
{
	struct child *new = arg;

	if (old->kind != new->kind || old == new || old->state != CHILD_READY)
		return;
	if (old->role == ROLE_PARSER) {
		child_say(new, LOG_SUCCEEDS, old->taken,
		    (unsigned int)old->pid);
		term_move(old, &drains);
		if (old->load == 0)
			term_move(old, NULL);
	}
	child_drain(old);
}

void
recycle_ready(struct child *child)
{
	children_each(succeed, child);
	if (child->role == ROLE_PARSER && limit != 0)
		term_move(child, &terms);
}

void
recycle_lost(struct child *child)
{
	term_move(child, NULL);
}

void
recycle_make(struct event_base *base, unsigned int connections)
{
	limit = connections;
	timeouts_init(&terms, base, TERM_MS, term_over);
	timeouts_init(&again, base, AGAIN_MS, term_over);
	timeouts_init(&drains, base, DRAIN_MS, drain_over);
}
