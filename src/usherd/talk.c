/* SPDX-License-Identifier: ISC */
/*
 * What goes to the children and comes from them.  Messages of one turn of the
 * loop go out together; the parent never waits for a child.
 */
#include <err.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "children.h"

enum {
	PULSE_MS = 300,		/* one that has work is asked so often */
	MISSED_PARSER = 2,	/* then it hangs: replaced within a second */
	MISSED_RELAY = 30,	/* its connections are worth more patience */
	MISSED_START = 60,
	RETRY_MS = 5,		/* a control socket was full */
	VERDICTS_PER_READ = 15,
	REPORTS_PER_READ = 64
};

static const struct child_listener	*listener;
static struct event			*flush_event, *retry_timer;
static struct agelist			 pulses;
static TAILQ_HEAD(, child)		 outgoing =
    TAILQ_HEAD_INITIALIZER(outgoing);

static int
send_pending(const struct child *child)
{
	if (child->role == ROLE_PARSER)
		return message_send(child->control, &child->intake,
		    sizeof(child->intake), child->fds, child->nfds);
	return message_send(child->control, &child->orders,
	    sizeof(child->orders), child->fds, child->nfds);
}

/* The message has left, or its receiver is dead: either way it is over. */
static void
pending_done(struct child *child)
{
	size_t i;

	/* A relay's descriptors were given away; a parser gets copies. */
	for (i = 0; child->role == ROLE_RELAY && i < child->nfds; i++)
		(void)close(child->fds[i]);
	memset(&child->intake, 0, sizeof(child->intake));
	memset(&child->orders, 0, sizeof(child->orders));
	child->pending = child->nfds = 0;
	child->clogged = false;
	if (child->queued)
		TAILQ_REMOVE(&outgoing, child, outgoing);
	child->queued = false;
}

static int
flush_one(struct child *child)
{
	static const struct timeval	soon = { 0, RETRY_MS * 1000 };

	if (send_pending(child) == -1 &&
	    (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM ||
	    errno == ETOOMANYREFS)) {
		child->clogged = true;
		(void)evtimer_add(retry_timer, &soon);
		return -1;
	}
	pending_done(child);
	return 0;
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
		(void)flush_one(child);	/* a clogged one stays in the list */
	}
}

/* Room for one more in the message under way?  Gives -1 when not. */
static int
pending_room(struct child *child, size_t batch)
{
	if (child->clogged)
		return -1;
	if (child->pending == batch && flush_one(child) == -1)
		return -1;
	if (!child->queued)
		TAILQ_INSERT_TAIL(&outgoing, child, outgoing);
	child->queued = true;
	event_active(flush_event, 0, 0);
	return 0;
}

int
talk_intake(struct child *parser, uint32_t id, int client)
{
	if (pending_room(parser, INTAKE_BATCH) == -1)
		return -1;
	parser->intake.kind = INTAKE_CONNECTIONS;
	parser->intake.ids[parser->pending++] = id;
	parser->fds[parser->nfds++] = client;
	parser->load++;
	if (!parser->pulse.listed)
		agelist_touch(&pulses, &parser->pulse);
	return 0;
}

int
talk_order(struct child *relay, const struct order *order, int client,
    int backend)
{
	if (pending_room(relay, ORDER_BATCH) == -1)
		return -1;
	relay->orders.order[relay->pending++] = *order;
	relay->fds[relay->nfds++] = client;
	if (backend != -1)
		relay->fds[relay->nfds++] = backend;
	relay->load++;
	relay->fed = true;
	if (!relay->pulse.listed)
		agelist_touch(&pulses, &relay->pulse);
	return 0;
}

static void
ping(struct child *child)
{
	struct intake	intake;
	struct orders	orders;

	child->pinged = true;
	child->fed = false;
	/* One that takes no message gives no answer, and that is what counts. */
	if (child->role == ROLE_PARSER) {
		memset(&intake, 0, sizeof(intake));
		intake.kind = INTAKE_PING;
		(void)message_send(child->control, &intake, sizeof(intake),
		    NULL, 0);
	} else {
		memset(&orders, 0, sizeof(orders));
		orders.order[0].kind = ORDER_PING;
		(void)message_send(child->control, &orders, sizeof(orders),
		    NULL, 0);
	}
}

static void
pulse_due(struct age *age)
{
	struct child	*child;
	unsigned int	 patience;

	child = (void *)((char *)age - offsetof(struct child, pulse));
	patience = child->state == CHILD_STARTING ? MISSED_START :
	    child->role == ROLE_PARSER ? MISSED_PARSER : MISSED_RELAY;
	if (child->pinged && ++child->missed >= patience) {
		child_kill(child, "does not answer");
		return;
	}
	if (!child->pinged &&
	    !(child->role == ROLE_PARSER ? child->load > 0 : child->fed))
		return;		/* idle: left in peace */
	if (!child->pinged)
		ping(child);
	agelist_touch(&pulses, &child->pulse);
}

void
talk_reset(struct child *child)
{
	pending_done(child);
	agelist_remove(&pulses, &child->pulse);
	child->missed = 0;
	child->fed = false;
	/* Its first word is waited for like an answer to a ping. */
	child->pinged = child->state == CHILD_STARTING;
	if (child->pinged)
		agelist_touch(&pulses, &child->pulse);
}

static void
alive(struct child *child)
{
	child->pinged = false;
	child->missed = 0;
	child->state = CHILD_READY;
}

static int
verdict(struct child *parser, const struct verdict *said)
{
	if (said->code != VERDICT_READY && said->code != VERDICT_PONG)
		return listener->verdict(parser, said);
	alive(parser);
	return 0;
}

static int
report(struct child *relay, const struct report *said)
{
	switch ((enum report_kind)said->kind) {
	case REPORT_READY:
	case REPORT_PONG:
		alive(relay);
		return 0;
	case REPORT_ENDED:
		if (said->ended > relay->load)
			return -1;
		relay->load -= said->ended;
		listener->ended();
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
talk_reports(evutil_socket_t fd, short what, void *arg)
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
	if (n == -1 && errno == EINTR)
		return;
	if (n <= 0) {
		/* It has ended; SIGCHLD tells how. */
		(void)event_del(child->reports);
		return;
	}
	if (hear(child, &said, (size_t)n) == 0)
		return;
	(void)event_del(child->reports);	/* not one word more */
	child_kill(child, "broke the rules");
}

void
talk_begin(struct event_base *base, const struct child_listener *who)
{
	listener = who;
	agelist_init(&pulses, base, PULSE_MS, pulse_due);
	flush_event = event_new(base, -1, 0, flush, NULL);
	retry_timer = evtimer_new(base, flush, NULL);
	if (flush_event == NULL || retry_timer == NULL ||
	    event_priority_set(flush_event, 1) == -1)
		errx(1, "out of memory");
}
