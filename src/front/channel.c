/* SPDX-License-Identifier: ISC */
/*
 * Rings of records for children, their words, and whether they are alive.
 */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/message_send.h"
#include "channel.h"
#include "cputime.h"
#include "rules.h"

enum {
	PULSE_MS = 300,		/* one that has work is asked so often */
	MISSED_PARSER = 2,	/* then it hangs, if it had the processor */
	HANGING_MS = 500,	/* for so long meanwhile (one with 2,000 clients
				 * ready at once answers after 5): replaced
				 * within a second, unless the machine is busy */
	MISSED_MAX = 30,	/* then it hangs; a relay's connections are
				 * worth that patience in any case */
	MISSED_START = 60,
	RETRY_MS = 5,		/* a control socket was full */
	VERDICTS_PER_READ = 15,
	REPORTS_PER_READ = 256
};

/* A word that waits to be sent. */
struct item {
	struct order	order;		/* to a relay */
	uint32_t	kind;		/* to a parser */
	uint32_t	id;
	int		fds[2];		/* -1: none */
};

static const struct channel_listener	*listener;
static struct event			*flush_event, *retry_timer;
static struct timeouts			 pulses;
static TAILQ_HEAD(, child)		 outgoing =
    TAILQ_HEAD_INITIALIZER(outgoing);

static struct item *
item_at(const struct child *child, size_t i)
{
	return &child->items[(child->first + i) % child->nitems];
}

/*
 * One has left, or its receiver is dead.  What was in it was given away, but
 * for a parser's copy of a client.  A backend is not the relay's alone: its
 * parser is told of it now, and not before, so that no grant for it can be
 * read before the order was sent.
 */
static void
item_done(struct child *child, const struct item *item, bool sent)
{
	const bool named = child->pair != NULL && item->fds[1] != -1;

	if (child->role == ROLE_PARSER) {
		if (item->kind == INTAKE_BACKEND)
			(void)close(item->fds[0]);
		if (sent && item->fds[0] != -1)
			listener->told(item->id);
		return;
	}
	if (item->fds[0] != -1)
		(void)close(item->fds[0]);
	if (named && sent && child->pair->items != NULL)
		channel_intake(child->pair, INTAKE_BACKEND, item->order.id,
		    item->fds[1]);
	else if (item->fds[1] != -1)
		(void)close(item->fds[1]);
}

/* So have the first n words. */
static void
items_done(struct child *child, size_t n, bool sent)
{
	size_t i;

	for (i = 0; i < n; i++)
		item_done(child, item_at(child, i), sent);
	child->waiting -= n;
	/* An empty ring begins anew: else it would touch all its memory. */
	child->first = child->waiting == 0 ? 0 :
	    (child->first + n) % child->nitems;
}

/* Sends a message of the first n words; gives -1 with errno. */
static int
items_send(struct child *child, size_t n)
{
	const struct item	*item;
	struct intake		 intake;
	struct orders		 orders;
	int			 fds[MESSAGE_FDS_MAX];
	size_t			 i, nfds = 0;

	memset(&intake, 0, sizeof(intake));
	memset(&orders, 0, sizeof(orders));
	for (i = 0; i < n; i++) {
		item = item_at(child, i);
		if (child->role == ROLE_PARSER) {
			intake.item[i].kind = item->kind;
			intake.item[i].id = item->id;
		} else {
			orders.order[i] = item->order;
		}
		if (item->fds[0] != -1)
			fds[nfds++] = item->fds[0];
		if (item->fds[1] != -1)
			fds[nfds++] = item->fds[1];
	}
	if (child->role == ROLE_PARSER)
		return message_send(child->control, &intake, sizeof(intake),
		    fds, nfds);
	return message_send(child->control, &orders, sizeof(orders), fds,
	    nfds);
}

static void
flush_one(struct child *child)
{
	static const struct timeval	soon = { 0, RETRY_MS * 1000 };
	const size_t			batch = child->role == ROLE_PARSER ?
					    INTAKE_BATCH : ORDER_BATCH;
	size_t				n;

	child->clogged = false;
	while (child->waiting > 0) {
		n = child->waiting < batch ? child->waiting : batch;
		if (items_send(child, n) == -1 &&
		    (errno == EAGAIN || errno == ENOBUFS ||
		    errno == ENOMEM || errno == ETOOMANYREFS)) {
			child->clogged = true;
			(void)evtimer_add(retry_timer, &soon);
			return;
		}
		items_done(child, n, true);
	}
	if (child->queued)
		TAILQ_REMOVE(&outgoing, child, outgoing);
	child->queued = false;
}

static void
flush(evutil_socket_t fd, short what, void *arg)
{
	struct child *child, *next;

	(void)fd;
	(void)what;
	(void)arg;
	for (child = TAILQ_FIRST(&outgoing); child != NULL; child = next) {
		next = TAILQ_NEXT(child, outgoing);
		flush_one(child);	/* a clogged one stays in the list */
	}
}

/*
 * There are never more than two words on the way about one connection, and
 * the ring has room for those; one that is full belongs to a child that does
 * not take its messages.
 */
static struct item *
item_new(struct child *child)
{
	struct item *item;

	if (child->waiting == child->nitems) {
		listener->failed(child, LOG_NO_MESSAGES);
		items_done(child, child->waiting, false);
	}
	item = item_at(child, child->waiting++);
	if (!child->queued)
		TAILQ_INSERT_TAIL(&outgoing, child, outgoing);
	child->queued = true;
	child->fed = true;
	if (!child->pulse.listed)
		timeouts_touch(&pulses, &child->pulse);
	event_active(flush_event, 0, 0);
	return item;
}

void
channel_intake(struct child *parser, enum intake_kind kind, uint32_t id,
    int client)
{
	struct item *item = item_new(parser);

	item->kind = kind;
	item->id = id;
	item->fds[0] = client;
	item->fds[1] = -1;
}

void
channel_order(struct child *relay, const struct order *order, int client,
    int backend)
{
	struct item *item = item_new(relay);

	item->order = *order;
	item->fds[0] = client;
	item->fds[1] = backend;
}

static void
ping(struct child *child)
{
	struct order order;

	if (child->role == ROLE_PARSER) {
		channel_intake(child, INTAKE_PING, 0, -1);
	} else {
		memset(&order, 0, sizeof(order));
		order.kind = ORDER_PING;
		channel_order(child, &order, -1, -1);
	}
	child->pinged = true;
	child->ping_cpu = cputime_of(child->pid);
	child->fed = false;
}

/*
 * A parser answers after a small amount of work, so one that has worked for
 * longer hangs; one that could not work, because the processors are busy with
 * something else, does not.
 */
static bool
hangs(const struct child *child)
{
	if (child->state == CHILD_STARTING)
		return child->missed >= MISSED_START;
	if (child->role == ROLE_PARSER && child->missed >= MISSED_PARSER &&
	    cputime_of(child->pid) - child->ping_cpu >= HANGING_MS)
		return true;
	return child->missed >= MISSED_MAX;
}

static void
pulse_due(struct timeout *age)
{
	struct child *child;

	child = (void *)((char *)age - offsetof(struct child, pulse));
	if (child->pinged)
		child->missed++;
	if (child->pinged && hangs(child)) {
		listener->failed(child, LOG_NO_ANSWER);
		return;
	}
	if (!child->pinged && !child->fed && child->shown == 0)
		return;		/* idle: left in peace */
	if (!child->pinged)
		ping(child);
	timeouts_touch(&pulses, &child->pulse);
}

int
channel_open(struct child *child)
{
	/* Two words on the way about each connection, a ping, a drain. */
	child->nitems = (size_t)child->capacity * 2 + 3;
	child->items = calloc(child->nitems, sizeof(*child->items));
	if (child->items == NULL)
		return -1;
	child->first = child->waiting = 0;
	child->clogged = child->queued = child->fed = false;
	child->missed = 0;
	child->shown = child->refusing = 0;
	/* Its first word is waited for like an answer to a ping. */
	child->pinged = true;
	timeouts_touch(&pulses, &child->pulse);
	return 0;
}

void
channel_close(struct child *child)
{
	if (child->items == NULL)
		return;
	items_done(child, child->waiting, false);
	if (child->queued)
		TAILQ_REMOVE(&outgoing, child, outgoing);
	child->queued = false;
	timeouts_remove(&pulses, &child->pulse);
	free(child->items);
	child->items = NULL;
}

/* READY is said once, at the start, and PONG when it was asked for. */
static int
alive(struct child *child, bool ready)
{
	if (!child->pinged || ready != (child->state == CHILD_STARTING))
		return -1;
	child->pinged = false;
	child->missed = 0;
	if (ready)
		listener->ready(child);
	return 0;
}

static int
verdict(struct child *parser, const struct verdict *said)
{
	if (said->code != VERDICT_READY && said->code != VERDICT_PONG)
		return listener->verdict(parser, said);
	if (!rules_blank(said))
		return -1;
	return alive(parser, said->code == VERDICT_READY);
}

static int
report(struct child *relay, const struct report *said)
{
	if (!rules_report(said, relay->protocol, relay->load))
		return -1;
	switch ((enum report_kind)said->kind) {
	case REPORT_READY:
	case REPORT_PONG:
		return alive(relay, said->kind == REPORT_READY);
	case REPORT_ENDED:
		if (listener->report(relay, said) == -1)
			return -1;
		listener->ended(relay);
		return 0;
	case REPORT_BREACH:
		/* A relay that lies could have ended it by its own death. */
		listener->failed(relay->pair, LOG_BROKE_RULES);
		return 0;
	}
	return -1;
}

/* Gives -1 when the child broke the rules. */
static int
hear(struct child *child, const void *said, size_t n)
{
	const struct verdict	*verdicts = said;
	const struct report	*reports = said;
	size_t			 i, size;

	size = child->role == ROLE_PARSER ? sizeof(*verdicts) :
	    sizeof(*reports);
	if (n % size != 0)
		return -1;
	for (i = 0; i < n / size; i++) {
		if ((child->role == ROLE_PARSER ?
		    verdict(child, &verdicts[i]) :
		    report(child, &reports[i])) == -1)
			return -1;
	}
	return 0;
}

void
channel_reports(evutil_socket_t fd, short what, void *arg)
{
	union {
		struct verdict	verdicts[VERDICTS_PER_READ];
		struct report	reports[REPORTS_PER_READ];
	}		 said;
	struct child	*child = arg;
	ssize_t		 n;

	(void)what;
	n = read(fd, &said, child->role == ROLE_PARSER ?
	    sizeof(said.verdicts) : sizeof(said.reports));
	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0)
		listener->closed(child);
	else if (hear(child, &said, (size_t)n) == -1)
		listener->failed(child, LOG_BROKE_RULES);
}

void
channel_begin(struct event_base *base, const struct channel_listener *who)
{
	listener = who;
	timeouts_init(&pulses, base, PULSE_MS, pulse_due);
	flush_event = event_new(base, -1, 0, flush, NULL);
	retry_timer = evtimer_new(base, flush, NULL);
	if (flush_event == NULL || retry_timer == NULL)
		errx(1, "out of memory");
}
