/* SPDX-License-Identifier: ISC */
/*
 * Whoever serves this shard, from when the launcher tells of him to his end.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "children.h"
#include "counts.h"
#include "log.h"
#include "request.h"
#include "slots.h"

static struct child			 children[PLACES];
static bool				 kinds[CHILD_KINDS];	/* wanted */
static bool				 had[CHILD_KINDS]; /* one before */
static const struct children_listener	*listener;
static struct event			*bury;
static unsigned int			 relayed; /* in all relays' hands */

void
child_say(const struct child *child, enum log_why why, unsigned int count,
    unsigned int value)
{
	log_child(child->kind, child->pid, why, count, value);
}

static void
relayed_change(const struct child *child, int n)
{
	if (child->role != ROLE_RELAY || n == 0)
		return;
	relayed = (unsigned int)((int)relayed + n);
	count_present(GAUGE_IN_RELAYS, relayed);
}

void
child_took(struct child *child)
{
	child->load++;
	relayed_change(child, 1);
}

static void
child_forget(struct child *child)
{
	(void)event_del(child->reports);	/* before the close */
	slot_empty(child->control);
	slot_empty(child->report);
	channel_close(child);
	child->state = CHILD_NONE;
}

/* What was in its hands is lost, and it is of no use any more. */
static void
child_lost(struct child *child)
{
	if (child->role == ROLE_RELAY && child->load > 0)
		child_say(child, LOG_LOST, child->load, 0);
	child_forget(child);
	request_lost(child->place);	/* it may live, and have only closed */
	listener->lost(child);
	/* Its parser can grant nothing more. */
	if (child->role == ROLE_RELAY && child->pair != NULL)
		child_end(child->pair);
	relayed_change(child, -(int)child->load);
	child->load = 0;
	listener->ended();
}

/* Not in the middle of what others do with it. */
static void
bury_all(evutil_socket_t fd, short what, void *arg)
{
	unsigned int place;

	(void)fd;
	(void)what;
	(void)arg;
	for (place = 0; place < PLACES; place++) {
		if (children[place].state == CHILD_ENDED)
			child_lost(&children[place]);
	}
}

void
child_kill(struct child *child, enum log_why why)
{
	if (child->state == CHILD_NONE || child->state == CHILD_ENDED)
		return;
	child_say(child, why, 0, 0);
	child_end(child);
}

void
child_end(struct child *child)
{
	if (child->state == CHILD_NONE || child->state == CHILD_ENDED)
		return;
	(void)event_del(child->reports);	/* not one word more */
	child->state = CHILD_ENDED;
	request_kill(child->place);
	event_active(bury, 0, 0);
}

static void
on_ready(struct child *child)
{
	child->state = CHILD_READY;
	listener->ready(child);
}

static void
on_ended(struct child *child)
{
	child->load--;		/* there was one: rules.c */
	relayed_change(child, -1);
	listener->ended();
	child_release_drained(child);
}

static int
on_verdict(struct child *child, const struct verdict *verdict)
{
	return listener->verdict(child, verdict);
}

static int
on_report(struct child *child, const struct report *report)
{
	return listener->report(child, report);
}

static void
on_told(uint32_t id)
{
	listener->told(id);
}

void
child_tell_drain(struct child *child)
{
	if (child->kind == CHILD_HTTP && child->items != NULL)
		channel_intake(child, INTAKE_DRAIN, 0, -1);
}

void
child_drain(struct child *child)
{
	child->state = CHILD_DRAINING;
	child_tell_drain(child);
	child_release_drained(child);
}

/* What its parser has not decided may yet come to a relay. */
static bool
awaits_more(const struct child *child)
{
	return child->role == ROLE_RELAY && child->pair != NULL &&
	    child->pair->state != CHILD_NONE && child->pair->load > 0;
}

void
child_release_drained(struct child *child)
{
	if (child->state != CHILD_DRAINING || child->load > 0 ||
	    awaits_more(child))
		return;
	child_forget(child);
	/* It ends by itself; but not one that was taken over. */
	request_kill(child->place);
}

int
children_add(const struct front_order *order, const int fds[2])
{
	struct child *child;

	if (order->place >= PLACES || !kinds[order->place / GENERATIONS])
		return -1;
	child = &children[order->place];
	if (child->state != CHILD_NONE)
		return -1;
	slot_put(child->control, fds[0]);
	slot_put(child->report, fds[1]);
	child->pid = (pid_t)order->pid;
	child->load = child->taken = 0;
	child->state = CHILD_STARTING;
	if (had[child->kind])
		count_replaced();
	had[child->kind] = true;
	if (channel_open(child) == -1 ||
	    event_add(child->reports, NULL) == -1)
		child_kill(child, LOG_NO_EVENT);
	return 0;
}

bool
children_ready(void)
{
	unsigned int	kind, place;
	bool		ready;

	for (kind = 0; kind < CHILD_KINDS; kind++) {
		ready = !kinds[kind];
		for (place = kind * GENERATIONS;
		    place < (kind + 1) * GENERATIONS; place++)
			ready |= children[place].state == CHILD_READY;
		if (!ready)
			return false;
	}
	return true;
}

struct child *
child_pair(const struct child *parser)
{
	struct child *relay = parser->pair;

	if (relay == NULL)
		return child_choose(ROLE_RELAY, parser->protocol);
	if ((relay->state != CHILD_READY && relay->state != CHILD_DRAINING) ||
	    relay->clogged || relay->load >= relay->capacity)
		return NULL;
	return relay;
}

/* Is it confined, and so is the other where it is one of a pair? */
static bool
takes(const struct child *child)
{
	return child->state == CHILD_READY && !child->clogged &&
	    child->load < child->capacity &&
	    (child->role == ROLE_RELAY || child->pair == NULL ||
	    child->pair->state == CHILD_READY);
}

struct child *
child_choose(enum role role, enum protocol protocol)
{
	struct child	*best = NULL, *child;
	unsigned int	 load = 0, capacity = 0;

	for (child = children; child < children + PLACES; child++) {
		if (child->role != role || child->protocol != protocol ||
		    child->state == CHILD_NONE)
			continue;
		load += child->load;
		capacity = child->capacity;
		if (!takes(child))
			continue;
		if (best == NULL || child->load < best->load)
			best = child;
	}
	/* Those that drain take the places of as many others. */
	return load < capacity ? best : NULL;
}

unsigned int
children_relayed(void)
{
	return relayed;
}

unsigned int
children_draining(enum child_kind kind)
{
	unsigned int place, n = 0;

	for (place = 0; place < PLACES; place++)
		n += children[place].kind == kind &&
		    children[place].state == CHILD_DRAINING;
	return n;
}

void
children_each(void (*call)(struct child *, void *), void *arg)
{
	unsigned int place;

	for (place = 0; place < PLACES; place++) {
		if (children[place].state != CHILD_NONE)
			call(&children[place], arg);
	}
}

size_t
children_slots(int slots[2 * PLACES])
{
	unsigned int	place;
	size_t		n = 0;

	for (place = 0; place < PLACES; place++) {
		if (!kinds[children[place].kind])
			continue;
		slots[n++] = children[place].control;
		slots[n++] = children[place].report;
	}
	return n;
}

static struct child *
pair_of(const struct child *child)
{
	switch (child->kind) {
	case CHILD_HTTP:
		return &children[child->place + GENERATIONS];
	case CHILD_HTTP_RELAY:
		return &children[child->place - GENERATIONS];
	case CHILD_TLS:
	case CHILD_TLS_RELAY:
	case CHILD_KINDS:
		break;
	}
	return NULL;
}

static void
make_one(struct event_base *base, unsigned int place, unsigned int capacity)
{
	struct child *child = &children[place];

	child->control = slot_new();
	child->report = slot_new();
	child->capacity = capacity;
	child->reports = event_new(base, child->report, EV_READ | EV_PERSIST,
	    channel_reports, child);
	if (child->reports == NULL)
		errx(1, "out of memory");
}

void
children_make(struct event_base *base, const struct children_listener *who,
    const bool wanted[PROTOCOL_COUNT], unsigned int parser_clients,
    unsigned int relay_pairs)
{
	static const struct channel_listener	channel = {
		on_verdict, on_report, on_ready, on_ended, on_told,
		child_lost, child_kill
	};
	struct child				*child;
	unsigned int				 place;

	listener = who;
	channel_begin(base, &channel);
	bury = event_new(base, -1, 0, bury_all, NULL);
	if (bury == NULL)
		errx(1, "out of memory");
	for (place = 0; place < PLACES; place++) {
		child = &children[place];
		child->place = place;
		child->kind = (enum child_kind)(place / GENERATIONS);
		child->pair = pair_of(child);
		child->role = child->kind == CHILD_TLS ||
		    child->kind == CHILD_HTTP ? ROLE_PARSER : ROLE_RELAY;
		child->protocol = child->kind == CHILD_TLS ||
		    child->kind == CHILD_TLS_RELAY ? PROTOCOL_TLS :
		    PROTOCOL_HTTP;
		kinds[child->kind] = wanted[child->protocol];
		if (kinds[child->kind])
			make_one(base, place, child->role == ROLE_PARSER ?
			    parser_clients : relay_pairs);
	}
}
