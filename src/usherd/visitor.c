/* SPDX-License-Identifier: ISC */
/*
 * The life of a connection in the parent: accepted, shown to a parser, routed
 * by its verdict, handed to a relay.
 */
#include <sys/socket.h>

#include <err.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend.h"
#include "log.h"
#include "visitor.h"

enum {
	INDEX_BITS = 20,	/* of an id; the rest is a generation */
	INDEX_MASK = (1 << INDEX_BITS) - 1,
	OVERDUE_MS = 15 * 1000,	/* a parser's own deadline is 10 s */
	LATER_MS = 50,
	BUSY_TRIES = 10,	/* half a second for a full backlog to clear */
	RELAY_TRIES = 100	/* five for a relay to come back */
};

enum visitor_state {
	VISITOR_FREE,
	VISITOR_SHOWN,		/* in the hands of a parser */
	VISITOR_WAITING		/* for the tenant's backlog, or for a relay */
};

struct visitor {
	enum visitor_state	 state;
	enum protocol		 protocol;
	int			 client;
	uint32_t		 generation;
	struct child		*parser;	/* SHOWN */
	enum refusal		 refusal;	/* decided already, or NONE */
	unsigned int		 tries;
	uint64_t		 grant;
	bool			 named;
	bool			 acme;
	struct hostname		 name;
	struct age		 age;
	struct visitor		*next_free;
};

static struct visitor	*visitors, *free_visitors;
static unsigned int	 nvisitors, present;
static struct agelist	 overdue, later;
static void		(*visitor_done)(void);

static void
visitor_free(struct visitor *visitor)
{
	agelist_remove(visitor->state == VISITOR_SHOWN ? &overdue : &later,
	    &visitor->age);
	visitor->state = VISITOR_FREE;
	visitor->client = -1;
	visitor->generation++;
	visitor->next_free = free_visitors;
	free_visitors = visitor;
	present--;
	visitor_done();
}

/* It leaves without an answer: there is nobody to hear it. */
static void
visitor_drop(struct visitor *visitor)
{
	(void)close(visitor->client);	/* nothing was written to it */
	visitor_free(visitor);
}

static void
visitor_later(struct visitor *visitor)
{
	visitor->state = VISITOR_WAITING;
	agelist_touch(&later, &visitor->age);
}

static void
log_refused(const struct visitor *visitor, enum refusal refusal)
{
	const struct refusal_answer	*answer = refusal_answer(refusal);
	const bool			 tls = visitor->protocol ==
					    PROTOCOL_TLS;
	struct sockaddr_storage		 peer;
	socklen_t			 size = sizeof(peer);
	char				 address[NI_MAXHOST], port[NI_MAXSERV];

	if (getpeername(visitor->client, (struct sockaddr *)&peer,
	    &size) == -1 ||
	    getnameinfo((struct sockaddr *)&peer, size, address,
	    sizeof(address), port, sizeof(port),
	    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
		(void)snprintf(address, sizeof(address), "gone");
		(void)snprintf(port, sizeof(port), "0");
	}
	log_refusal("refused %s client=[%s]:%s host=%s reason=%s %s=%d",
	    tls ? "tls" : "http", address, port,
	    visitor->named ? visitor->name.text : "-", answer->word,
	    tls ? "alert" : "status", tls ? answer->alert : answer->status);
}

/* Gives a connection to a relay, or has it wait for one. */
static void
visitor_hand(struct visitor *visitor, const struct order *order, int backend)
{
	struct child *relay;

	while ((relay = child_choose(ROLE_RELAY,
	    visitor->protocol)) != NULL) {
		if (talk_order(relay, order, visitor->client, backend) == 0) {
			visitor_free(visitor);
			return;
		}
	}
	if (backend != -1)
		(void)close(backend);	/* looked up anew next time */
	if (++visitor->tries > RELAY_TRIES)
		visitor_drop(visitor);
	else
		visitor_later(visitor);
}

static void
visitor_refuse(struct visitor *visitor, enum refusal refusal)
{
	struct order order;

	if (visitor->refusal == REFUSAL_NONE)
		log_refused(visitor, refusal);
	visitor->refusal = refusal;
	memset(&order, 0, sizeof(order));
	order.kind = ORDER_REFUSE;
	order.refusal = (uint8_t)refusal;
	visitor_hand(visitor, &order, -1);
}

static void
visitor_route(struct visitor *visitor)
{
	const struct errand	errand = {
		visitor->protocol, visitor->named ? &visitor->name : NULL,
		visitor->acme
	};
	struct order		order;
	enum refusal		refusal;
	int			backend;

	refusal = backend_open(&errand, visitor->client, &backend);
	if (refusal == REFUSAL_BUSY && visitor->tries < BUSY_TRIES) {
		/* No readiness can be waited for: poll(2) does not help. */
		visitor->tries++;
		visitor_later(visitor);
		return;
	}
	if (refusal != REFUSAL_NONE) {
		visitor_refuse(visitor, refusal);
		return;
	}
	memset(&order, 0, sizeof(order));
	order.kind = ORDER_RELAY;
	order.grant = visitor->grant;
	visitor_hand(visitor, &order, backend);
}

static void
visitor_again(struct age *age)
{
	struct visitor *visitor;

	visitor = (void *)((char *)age - offsetof(struct visitor, age));
	if (visitor->refusal != REFUSAL_NONE)
		visitor_refuse(visitor, visitor->refusal);
	else
		visitor_route(visitor);
}

static void
visitor_overdue(struct age *age)
{
	struct visitor *visitor;

	visitor = (void *)((char *)age - offsetof(struct visitor, age));
	child_kill(visitor->parser, "kept a connection too long");
}

/* The parser's hands are empty of it, one way or the other. */
static void
visitor_taken_back(struct visitor *visitor)
{
	agelist_remove(&overdue, &visitor->age);
	visitor->parser = NULL;
	visitor->state = VISITOR_WAITING;
}

static struct visitor *
visitor_of(const struct child *parser, uint32_t id)
{
	struct visitor	*visitor;
	uint32_t	 index = id & INDEX_MASK;

	if (index == 0 || index > nvisitors)
		return NULL;
	visitor = &visitors[index - 1];
	if (visitor->state != VISITOR_SHOWN || visitor->parser != parser ||
	    (visitor->generation << INDEX_BITS | index) != id)
		return NULL;
	return visitor;
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
	struct visitor *visitor = visitor_of(parser, verdict->id);

	if (visitor == NULL || verdict->acme > 1)
		return -1;
	if (verdict->code == VERDICT_NAMED &&
	    hostname_check(&visitor->name, &verdict->name) == -1)
		return -1;
	if (verdict->code == VERDICT_REFUSED &&
	    (verdict->refusal == REFUSAL_NONE ||
	    verdict->refusal > REFUSAL_BAD_NAME))
		return -1;
	visitor->acme = verdict->acme == 1;
	visitor->grant = verdict->grant;
	switch ((enum verdict_code)verdict->code) {
	case VERDICT_NAMED:
	case VERDICT_NAMELESS:
		parser->load--;
		visitor->named = verdict->code == VERDICT_NAMED;
		visitor_taken_back(visitor);
		lowat_reset(visitor->client);
		visitor_route(visitor);
		return 0;
	case VERDICT_REFUSED:
		parser->load--;
		visitor_taken_back(visitor);
		lowat_reset(visitor->client);
		visitor_refuse(visitor, (enum refusal)verdict->refusal);
		return 0;
	case VERDICT_GONE:
		parser->load--;
		visitor_taken_back(visitor);
		visitor_drop(visitor);
		return 0;
	case VERDICT_READY:
	case VERDICT_PONG:
		break;
	}
	return -1;
}

void
visitors_lost(struct child *parser)
{
	unsigned int i;

	for (i = 0; i < nvisitors; i++) {
		if (visitors[i].state != VISITOR_SHOWN ||
		    visitors[i].parser != parser)
			continue;
		visitor_taken_back(&visitors[i]);
		visitor_refuse(&visitors[i], REFUSAL_PARSER);
	}
}

bool
visitor_room(enum protocol protocol)
{
	return free_visitors != NULL &&
	    child_choose(ROLE_PARSER, protocol) != NULL;
}

unsigned int
visitors_present(void)
{
	return present;
}

void
visitor_begin(int client, enum protocol protocol)
{
	struct visitor	*visitor = free_visitors;
	struct child	*parser;
	uint32_t	 id;

	if (visitor == NULL) {
		(void)close(client);	/* visitor_room() was not asked */
		return;
	}
	free_visitors = visitor->next_free;
	present++;
	visitor->client = client;
	visitor->protocol = protocol;
	visitor->refusal = REFUSAL_NONE;
	visitor->tries = 0;
	visitor->named = visitor->acme = false;
	visitor->state = VISITOR_SHOWN;
	id = visitor->generation << INDEX_BITS |
	    (uint32_t)(visitor - visitors + 1);
	while ((parser = child_choose(ROLE_PARSER, protocol)) != NULL) {
		visitor->parser = parser;
		agelist_touch(&overdue, &visitor->age);
		if (talk_intake(parser, id, client) == 0)
			return;
	}
	visitor_taken_back(visitor);
	visitor_refuse(visitor, REFUSAL_OVERLOAD);
}

void
visitors_make(struct event_base *base, unsigned int n, void (*done)(void))
{
	unsigned int i;

	if (n > INDEX_MASK)
		n = INDEX_MASK;
	visitors = calloc(n, sizeof(*visitors));
	if (visitors == NULL)
		errx(1, "out of memory");
	nvisitors = n;
	visitor_done = done;
	for (i = n; i-- > 0;) {
		visitors[i].next_free = free_visitors;
		free_visitors = &visitors[i];
	}
	agelist_init(&overdue, base, OVERDUE_MS, visitor_overdue);
	agelist_init(&later, base, LATER_MS, visitor_again);
}
