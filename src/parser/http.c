/* SPDX-License-Identifier: ISC */
/*
 * usherd-http: what happens to a connection, by its state.
 *
 * EXCHANGE_...	what happens		what follows
 * FIRST	head; ends, late	ASKED, or refused; gone
 * FIRST_HEAD	head; ends, late	ASKED, or refused; refused
 * ASKED	backend; dropped	OPEN; gone
 * OPEN		carry.c			NEXT, or it has ended
 * NEXT		head; ends, late	OPEN or ASKED, or refused; finished
 * NEXT_HEAD	head; ends, late	the same; refused
 * STOPPING	progress		ASKED again, or finished
 */
#include <unistd.h>

#include "../common/shares.h"
#include "carry.h"
#include "downward.h"
#include "progress.h"
#include "protocol.h"
#include "upward.h"

const enum protocol	 protocol_spoken = PROTOCOL_HTTP;
const unsigned int	 protocol_descriptors = HTTP_DESCRIPTORS;
const int		 protocol_pair = 1;

static bool orphaned;		/* nobody hears a verdict */
static bool relay_lost;

/* It needs a backend. */
static void
ask(struct exchange *exchange)
{
	if (!orphaned)
		exchange_ask(exchange);
	else if (exchange->number == 0)
		exchange_gone(exchange);
	else
		exchange_leave(exchange, 0, 0, GRANT_FINISH);
}

/* The client has ended, or been silent for too long, and has said nothing of a
 * request: nobody is told anything. */
static void
head_none(struct exchange *exchange)
{
	if (exchange->number == 0)
		exchange_gone(exchange);
	else
		exchange_leave(exchange, 0, 0, GRANT_FINISH);
}

static void
head_look(struct exchange *exchange)
{
	const bool	kept = downward_idle(exchange);
	enum refusal	refusal;

	switch (upward_head(exchange, &refusal)) {
	case UPWARD_WAIT:
		if (peek_wait(&exchange->client) == -1)
			exchange_refuse(exchange, REFUSAL_OVERLOAD);
		return;
	case UPWARD_SAME:
		if (kept)
			carry_begin(exchange);
		else
			ask(exchange);
		return;
	case UPWARD_OTHER:
		ask(exchange);
		return;
	case UPWARD_REFUSED:
		exchange_refuse(exchange, refusal);
		return;
	case UPWARD_BROKEN:
		if (exchange->number == 0)
			exchange_gone(exchange);
		else
			exchange_leave(exchange, 0, 0, GRANT_CUT);
		return;
	case UPWARD_ENDED:
	case UPWARD_PART:
	case UPWARD_WHOLE:
		break;
	}
	head_none(exchange);
}

static void
backend_due(struct peek *peek)
{
	struct exchange *exchange = exchange_of_backend(peek);

	if (exchange->state == EXCHANGE_OPEN)
		carry_backend(exchange);
}

static void
client_due(struct peek *peek)
{
	struct exchange *exchange = exchange_of_client(peek);

	switch (exchange->state) {
	case EXCHANGE_FIRST:
	case EXCHANGE_FIRST_HEAD:
	case EXCHANGE_NEXT:
	case EXCHANGE_NEXT_HEAD:
		head_look(exchange);
		return;
	case EXCHANGE_OPEN:
		carry_client(exchange);
		return;
	case EXCHANGE_ASKED:		/* said when it is open again */
	case EXCHANGE_STOPPING:
	case EXCHANGE_FREE:
	case EXCHANGE_LEAVING:
	case EXCHANGE_LEFT:
		break;
	}
}

static void
late(struct exchange *exchange)
{
	switch (exchange->state) {
	case EXCHANGE_FIRST:
	case EXCHANGE_NEXT:
		head_none(exchange);
		return;
	case EXCHANGE_FIRST_HEAD:
	case EXCHANGE_NEXT_HEAD:
		exchange_refuse(exchange, REFUSAL_TIMEOUT);
		return;
	case EXCHANGE_ASKED:
	case EXCHANGE_OPEN:
	case EXCHANGE_STOPPING:
	case EXCHANGE_FREE:
	case EXCHANGE_LEAVING:
	case EXCHANGE_LEFT:
		break;
	}
}

/* How much of the request has the relay taken, whose backend has ended? */
static void
stopped(struct exchange *exchange, const struct progress *progress)
{
	if (!flow_covered(&exchange->upward, progress))
		return;
	if (progress->untaken < exchange->granted) {
		exchange_leave(exchange, 0, 0, GRANT_FINISH);
		return;
	}
	exchange_enter(exchange, EXCHANGE_NEXT_HEAD);
	peek_reads(&exchange->client, PEEK_MESSAGE);
	peek_soon(&exchange->client);
}

static void
heard(const struct progress *progress)
{
	struct exchange		*exchange = exchange_find(progress->id);
	struct progress_context	 context;

	if (exchange == NULL)
		return;		/* it left while that was on its way */
	context.backend = exchange->number;
	context.serial = exchange->grants.grant.serial;
	context.up = exchange->upward.left;
	context.down = exchange->downward.left;
	if (!progress_possible(progress, &context))
		_exit(1);
	if (progress->backend <= exchange->number)
		exchange->heard = progress->serial;
	if ((progress->flags & PROGRESS_OVER) != 0)
		exchange_gone(exchange);
	else if (progress->backend != exchange->number)
		return;
	else if (exchange->state == EXCHANGE_OPEN)
		carry_moved(exchange, progress);
	else if (exchange->state == EXCHANGE_STOPPING)
		stopped(exchange, progress);
}

bool
protocol_knows(uint32_t id)
{
	return exchange_find(id) != NULL;
}

void
protocol_show(uint32_t id, int client)
{
	struct exchange *exchange = exchange_new(id, client);

	exchange_enter(exchange, EXCHANGE_FIRST);
	peek_reads(&exchange->client, PEEK_MESSAGE);
	peek_soon(&exchange->client);
}

void
protocol_attach(uint32_t id, int backend)
{
	struct exchange *exchange = exchange_find(id);

	if (exchange == NULL || relay_lost) {
		(void)close(backend);	/* a copy; nothing is lost */
		if (exchange != NULL)
			exchange_gone(exchange);
		return;
	}
	if (exchange->state != EXCHANGE_ASKED)
		_exit(1);		/* the front does not say such things */
	exchange_attach(exchange, backend);
	if (peek_watch(&exchange->backend) == -1)
		exchange_refuse(exchange, REFUSAL_OVERLOAD);
	else
		carry_begin(exchange);
}

void
protocol_drop(uint32_t id)
{
	struct exchange *exchange = exchange_find(id);

	if (exchange != NULL)	/* else it left while that was on its way */
		exchange_gone(exchange);
}

/* Half a head is no exchange. */
static void
drain_one(struct exchange *exchange)
{
	if (exchange->state == EXCHANGE_NEXT ||
	    exchange->state == EXCHANGE_NEXT_HEAD)
		exchange_leave(exchange, 0, 0, GRANT_FINISH);
}

void
protocol_drain(void)
{
	carry_drain();
	exchanges_each(drain_one);
}

/* Nobody decides about what is undecided. */
static void
orphan_one(struct exchange *exchange)
{
	if (exchange->number == 0)
		exchange_gone(exchange);
	else if (exchange->state == EXCHANGE_ASKED)
		exchange_leave(exchange, 0, 0, GRANT_FINISH);
	else
		drain_one(exchange);
}

/* Enough has ended for the process to end. */
static void
freed(void)
{
	if (orphaned && exchanges_count() == 0)
		_exit(0);
}

void
protocol_orphaned(void)
{
	orphaned = true;
	carry_drain();
	exchanges_each(orphan_one);
	freed();
}

static void
lose_one(struct exchange *exchange)
{
	if (exchange->number > 0)
		exchange_gone(exchange);
}

/* With the relay go the connections that it had. */
static void
lose_relay(void)
{
	relay_lost = true;
	exchanges_each(lose_one);
}

int
protocol_engine(const char *engine)
{
	return engine == NULL ? 0 : -1;
}

void
protocol_make(struct event_base *loop, size_t n)
{
	static const struct exchange_events events = {
		client_due, backend_due, late, freed
	};

	peeks_make(loop, upward_window);
	exchanges_make(loop, n, &events, protocol_orphaned, lose_relay);
	progress_make(loop, heard, lose_relay);
}
