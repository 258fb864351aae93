/* SPDX-License-Identifier: ISC */
/*
 * The table of visitors, and what the children say turned into events.
 */
#include <sys/socket.h>

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "counts.h"
#include "find.h"
#include "query.h"
#include "recycle.h"
#include "refused.h"
#include "rules.h"
#include "visitor.h"

enum {
	INDEX_BITS = 20,	/* of an id; the rest is a generation */
	INDEX_MASK = (1 << INDEX_BITS) - 1,
	OVERDUE_MS = 15 * 1000,	/* a parser's own deadline is 10 s */
	LATER_MS = 50,
	PATIENCE_MS = 1000	/* with a directory that a tenant may hold */
};

static struct visitor	*visitors, *free_visitors;
static unsigned int	 nvisitors, present;
static unsigned int	 nused;		/* beyond them untouched memory */
static struct agelist	 overdue, later, asked;
static void		(*visitor_done)(void);

static void
age_move(struct visitor *visitor, struct agelist *list)
{
	if (visitor->listed != NULL)
		agelist_remove(visitor->listed, &visitor->age);
	visitor->listed = list;
	if (list != NULL)
		agelist_touch(list, &visitor->age);
}

uint32_t
visitor_id(const struct visitor *visitor)
{
	return visitor->generation << INDEX_BITS |
	    (uint32_t)(visitor - visitors + 1);
}

void
visitor_free(struct visitor *visitor)
{
	age_move(visitor, NULL);
	find_drop(visitor);
	if (visitor->client != -1)
		(void)close(visitor->client);	/* nobody else needs it */
	visitor->client = -1;
	visitor->state = VISITOR_FREE;
	visitor->parser = visitor->relay = NULL;
	visitor->generation++;
	visitor->next_free = free_visitors;
	free_visitors = visitor;
	present--;
	visitor_done();
}

void
visitor_later(struct visitor *visitor)
{
	age_move(visitor, &later);
}

void
visitor_asked(struct visitor *visitor)
{
	age_move(visitor, &asked);
}

void
visitor_awaited(struct visitor *visitor)
{
	age_move(visitor, &overdue);
}

void
visitor_unkept(struct visitor *visitor)
{
	struct child *parser = visitor->parser;

	visitor->kept = false;
	visitor->parser = NULL;
	if (parser == NULL)
		return;
	parser->load--;
	recycle_released(parser);
}

static void
visitor_again(struct age *age)
{
	struct visitor *visitor;

	visitor = (void *)((char *)age - offsetof(struct visitor, age));
	visitor->listed = NULL;
	/* ours, not a child's */
	(void)journey_step(visitor, EVENT_LATER, NULL);
}

/* A look-up that it waited for is done. */
static void
visitor_answered(void *asker)
{
	struct visitor *visitor = asker;

	age_move(visitor, NULL);
	(void)journey_step(visitor, EVENT_LATER, NULL);	/* ours, too */
}

static void
visitor_overdue(struct age *age)
{
	struct visitor *visitor;

	visitor = (void *)((char *)age - offsetof(struct visitor, age));
	visitor->listed = NULL;
	child_kill(visitor->parser, "kept a connection too long");
}

static struct visitor *
visitor_of(uint32_t id)
{
	struct visitor	*visitor;
	uint32_t	 index = id & INDEX_MASK;

	if (index == 0 || index > nused)
		return NULL;
	visitor = &visitors[index - 1];
	return visitor->state != VISITOR_FREE && visitor_id(visitor) == id ?
	    visitor : NULL;
}

static enum visitor_event
event_of(enum verdict_code code)
{
	switch (code) {
	case VERDICT_NAMED:
	case VERDICT_NAMELESS:
		return EVENT_REQUEST;
	case VERDICT_MORE:
		return EVENT_MORE;
	case VERDICT_REFUSED:
		return EVENT_REFUSED;
	case VERDICT_GONE:
	case VERDICT_READY:	/* rules_verdict() has refused these two */
	case VERDICT_PONG:
		break;
	}
	return EVENT_GONE;
}

/* Is it one that this parser may give about this visitor now? */
static bool
verdict_allowed(const struct child *parser, const struct visitor *visitor,
    const struct verdict *verdict)
{
	struct verdict_context context;

	if (visitor == NULL || visitor->parser != parser)
		return false;
	context.protocol = visitor->protocol;
	context.first = visitor->state == VISITOR_SHOWN;
	context.asked = visitor->asked;
	context.dropped = visitor->state == VISITOR_PARTING ||
	    visitor->state == VISITOR_LEAVING;
	context.partial = visitor->partial && !context.first;
	return rules_verdict(verdict, &context) && journey_allows(visitor,
	    event_of((enum verdict_code)verdict->code)) &&
	    !(context.first && talk_unsaid(parser, verdict->id));
}

/* The parser may have asked for readiness from many bytes on; whoever gets
 * the socket next must not inherit that. */
static void
lowat_reset(int client)
{
	const int one = 1;

	(void)setsockopt(client, SOL_SOCKET, SO_RCVLOWAT, &one, sizeof(one));
}

int
visitor_verdict(struct child *parser, const struct verdict *verdict)
{
	struct visitor *visitor = visitor_of(verdict->id);

	/* Before anything is changed: whoever breaks the rules is killed, and
	 * then all that he holds must still be known to be his. */
	if (!verdict_allowed(parser, visitor, verdict))
		return -1;
	visitor->asked = false;
	if (visitor->state == VISITOR_SHOWN)
		parser->shown--;
	if (visitor->listed == &overdue) {	/* SHOWN, PARTING */
		age_move(visitor, NULL);
		lowat_reset(visitor->client);
	}
	if (verdict->kept == 0)
		visitor_unkept(visitor);
	return journey_step(visitor,
	    event_of((enum verdict_code)verdict->code), verdict);
}

int
visitor_report(struct child *relay, const struct report *report)
{
	struct visitor *visitor = visitor_of(report->value);

	/* What was let go while the report was on its way. */
	if (visitor == NULL || visitor->relay != relay)
		return talk_belated(relay);
	switch ((enum report_kind)report->kind) {
	case REPORT_MOVED:
		visitor->answered = true;
		return journey_step(visitor, EVENT_MOVED, NULL);
	case REPORT_LONELY:
		/* Once, and only after that. */
		if (!visitor->answered)
			return -1;
		visitor->answered = false;
		return journey_step(visitor, EVENT_LONELY, NULL);
	case REPORT_LEFT:
		return journey_step(visitor, EVENT_LEFT, NULL);
	case REPORT_READY:
	case REPORT_PONG:
	case REPORT_ENDED:
		break;
	}
	return -1;
}

void
visitors_lost(struct child *child)
{
	struct visitor *visitor;

	for (visitor = visitors; visitor < visitors + nused; visitor++) {
		if (visitor->state == VISITOR_FREE)
			continue;
		if (visitor->parser == child) {
			if (visitor->listed == &overdue)
				age_move(visitor, NULL);
			visitor_unkept(visitor);
			(void)journey_step(visitor, EVENT_PARSER_LOST, NULL);
		} else if (visitor->relay == child) {
			visitor->relay = NULL;
			(void)journey_step(visitor, EVENT_RELAY_LOST, NULL);
		}
	}
}

bool
visitor_room(enum protocol protocol)
{
	return (free_visitors != NULL || nused < nvisitors) &&
	    child_choose(ROLE_PARSER, protocol) != NULL;
}

unsigned int
visitors_present(void)
{
	return present;
}

unsigned int
visitors_unrelayed(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < nused; i++)
		n += visitors[i].state == VISITOR_SHOWN ||
		    visitors[i].state == VISITOR_WAITING ||
		    visitors[i].state == VISITOR_PARTING;
	return n;
}

int
visitor_show(struct visitor *visitor)
{
	struct child *parser = child_choose(ROLE_PARSER, visitor->protocol);

	if (parser == NULL)
		return -1;
	visitor->state = VISITOR_SHOWN;
	visitor->asked = true;
	visitor->parser = parser;
	parser->load++;
	parser->shown++;
	age_move(visitor, &overdue);
	talk_intake(parser, INTAKE_SHOW, visitor_id(visitor),
	    visitor->client);
	recycle_shown(parser);
	return 0;
}

void
visitor_begin(int client, enum protocol protocol, const struct ends *ends)
{
	struct visitor	*visitor = free_visitors;
	uint32_t	 generation;

	if (!visitor_room(protocol)) {
		/* It should have been asked. */
		refused_log(protocol, ends, NULL, REFUSAL_OVERLOAD, NULL);
		(void)close(client);	/* nobody else has it */
		return;
	}
	if (visitor != NULL)
		free_visitors = visitor->next_free;
	else
		visitor = &visitors[nused++];
	present++;
	generation = visitor->generation;
	memset(visitor, 0, sizeof(*visitor));
	visitor->generation = generation;
	visitor->client = client;
	visitor->protocol = protocol;
	visitor->ends = *ends;
	count(protocol, COUNT_ACCEPTED);
	if (visitor_show(visitor) == -1) {
		refused_log(protocol, ends, NULL, REFUSAL_OVERLOAD, NULL);
		visitor_free(visitor);
	}
}

void
visitors_make(struct event_base *base, unsigned int n, void (*done)(void))
{
	if (n > INDEX_MASK)
		n = INDEX_MASK;
	visitors = calloc(n, sizeof(*visitors));
	if (visitors == NULL)
		errx(1, "out of memory");
	nvisitors = n;
	visitor_done = done;
	agelist_init(&overdue, base, OVERDUE_MS, visitor_overdue);
	agelist_init(&later, base, LATER_MS, visitor_again);
	agelist_init(&asked, base, PATIENCE_MS, visitor_again);
	queries_make(base, visitor_answered);
}
