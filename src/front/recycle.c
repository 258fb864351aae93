/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "log.h"
#include "recycle.h"

enum {
	TERM_MS = 60 * 60 * 1000,
	AGAIN_MS = 2 * 1000,	/* no spare place, or no process to be had */
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
child_of(struct timeout *age)
{
	struct child *child;

	child = (void *)((char *)age - offsetof(struct child, term));
	child->termed = NULL;
	return child;
}

static void
begin(struct child *old)
{
	struct child *new;

	if (old->state != CHILD_READY || old->successor != NULL)
		return;
	new = child_spare(old->protocol);
	if (new == NULL) {
		term_move(old, &again);	/* so many are draining already */
		return;
	}
	new->number = old->number;
	if (child_start(new) == -1) {
		log_line("%s: cannot start its successor: %s",
		    child_name(old), strerror(errno));
		term_move(old, &again);
		return;
	}
	new->predecessor = old;
	old->successor = new;
}

static void
term_over(struct timeout *age)
{
	begin(child_of(age));
}

/* With nothing in its hands it is not missed. */
static void
end(struct child *child)
{
	term_move(child, NULL);
	child->state = CHILD_ENDED;
	child_end(child);
}

static void
drain_over(struct timeout *age)
{
	struct child *child = child_of(age);

	log_line("%s: %u connections cut after draining for %d s",
	    child_name(child), child->load, DRAIN_MS / 1000);
	end(child);
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
		end(parser);
}

void
recycle_ready(struct child *parser)
{
	struct child *old = parser->predecessor;

	if (parser->role != ROLE_PARSER || limit == 0)
		return;
	term_move(parser, &terms);
	if (old == NULL)
		return;
	parser->predecessor = old->successor = NULL;
	log_line("%s takes the place of pid %d after %u connections",
	    child_name(parser), (int)old->pid, old->taken);
	old->state = CHILD_DRAINING;
	term_move(old, &drains);
	recycle_released(old);
}

bool
recycle_buried(struct child *child, enum child_state state)
{
	struct child *old = child->predecessor, *new = child->successor;

	term_move(child, NULL);
	child->predecessor = child->successor = NULL;
	if (old != NULL) {		/* it goes on, for now */
		old->successor = NULL;
		term_move(old, &again);
	}
	if (new != NULL)		/* it comes all the same */
		new->predecessor = NULL;
	return old != NULL || new != NULL || state == CHILD_DRAINING ||
	    state == CHILD_ENDED;
}

void
recycle_make(struct event_base *base, unsigned int connections)
{
	limit = connections;
	timeouts_init(&terms, base, TERM_MS, term_over);
	timeouts_init(&again, base, AGAIN_MS, term_over);
	timeouts_init(&drains, base, DRAIN_MS, drain_over);
}
