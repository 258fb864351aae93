/* SPDX-License-Identifier: ISC */
#ifndef USHER_MESSAGE_H
#define USHER_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "hostname.h"

/*
 * Who may say what to whom.  There are no other channels.
 *
 * from		to	over		record		whose receiver's check
 * launcher	front	SEQPACKET	front_order	front/orders.c
 * launcher	log	SEQPACKET	log_order	log/main.c
 * front	launcher pipe		enum request	usherd/shard.c
 * log		launcher pipe		enum request	usherd/logger.c
 * front	log	pipe		log_record	log/check.c
 * front	parser	SEQPACKET	intake		parser/parser.c
 * front	relay	SEQPACKET	orders		relay/order.c
 * parser	front	pipe		verdict		front/rules.c
 * relay	front	pipe		report		front/rules.c
 * usherd-http	relay	pipe		grant		relay/granted.c
 * relay	usherd-http pipe	progress	parser/progress.c
 *
 * The last six are below, log_record is in log_record.h, and what the
 * launcher says and hears in launch.h.  Descriptors go with what is said over
 * SOCK_SEQPACKET only, and never up to whoever is trusted more.  A record has
 * one size and no length field; a receiver tests for equality, checks each
 * field for this sender, state and protocol, and refuses everything else.  A
 * pipe takes a write of up to PIPE_BUF (4096) bytes whole or not at all (POSIX
 * write(2)), so records on it are never torn.
 *
 * Both ends of each channel are non-blocking.  What a child cannot say because
 * its pipe is full is kept in the record of the connection that it is about,
 * and said when the pipe takes more.
 */

/*
 * The descriptors that a child finds at its start; it has no others.  A pair
 * for HTTP, usherd-http and its relay, is born with a pipe each way that are
 * never replaced: nothing else can ever be put where one of them reads.
 */
enum {
	CHILD_CONTROL = 3,	/* SEQPACKET, from the front */
	CHILD_REPORT = 4,	/* pipe, to the front */
	CHILD_EMPTY = 5,	/* the empty directory to chroot into */
	CHILD_GRANT = 6,	/* of a pair only: pipe, usherd-http to relay */
	CHILD_PROGRESS = 7,	/* of a pair only: pipe, relay to usherd-http */
	CHILD_FIRST_FREE = 8,
	CHILD_FIRST_CLIENT = 16	/* from here on: sockets and pipes of
				 * connections */
};

enum protocol {
	PROTOCOL_TLS,
	PROTOCOL_HTTP,
	PROTOCOL_COUNT
};

/* Front to parser. */
enum {
	INTAKE_BATCH = 16	/* items in one message; saves a system call
				 * and a wake-up each under load */
};

enum intake_kind {
	INTAKE_NONE,
	INTAKE_SHOW,		/* a new connection: one descriptor */
	INTAKE_BACKEND,		/* HTTP: a copy of the backend that the relay
				 * has been told of, for the request that was
				 * named last: one descriptor */
	INTAKE_DROP,		/* close the copies and say VERDICT_GONE */
	INTAKE_DRAIN,		/* HTTP: each connection that a relay has ends
				 * behind its present exchange */
	INTAKE_PING		/* answer with VERDICT_PONG */
};

/*
 * As many descriptors as items of kind INTAKE_SHOW and INTAKE_BACKEND, in
 * their order.  A parser that is told anything else than this ends.
 */
struct intake {
	struct {
		uint32_t	kind;
		uint32_t	id;	/* SHOW: one it does not have; BACKEND,
					 * DROP: any but 0, and one that it has
					 * let go of is passed over; else 0 */
	}	item[INTAKE_BATCH];
};

/* Parser to front. */
enum verdict_code {
	VERDICT_READY = 1,	/* confined, waiting for connections; once */
	VERDICT_PONG,		/* once for each INTAKE_PING */
	VERDICT_NAMED,		/* a request that needs a backend, and name is
				 * whom it is for */
	VERDICT_NAMELESS,	/* the same, of one that names nobody */
	VERDICT_REFUSED,	/* refusal says why */
	VERDICT_GONE		/* the parser has no more to say about it: the
				 * client has ended, or sent nothing in its
				 * time, or INTAKE_DROP, or the relay can end it
				 * alone */
};

/*
 * With REFUSED and GONE, and of a TLS parser with every verdict, the parser
 * has closed its copies and will not speak of this id again.  Of usherd-http,
 * NAMED and NAMELESS are said of a first request, and of a later one that is
 * for another host or has no backend any more; an INTAKE_BACKEND or an
 * INTAKE_DROP follows.  What may stand in which field of which verdict of
 * which parser is in src/front/rules.h; all else is 0.
 */
struct verdict {
	uint32_t	id;		/* 0 for READY and PONG */
	uint8_t		code;
	uint8_t		refusal;
	uint8_t		acme;		/* 1: ALPN is acme-tls/1 alone */
	uint8_t		head;		/* 1: the request was a HEAD, to which
					 * a refusal has no content */
	struct hostname	name;
	uint8_t		zeros[2];
};

enum {
	VERDICT_BATCH = 8	/* 8 * 264 bytes stay below PIPE_BUF */
};

/* Front to relay. */
enum {
	ORDER_BATCH = 8		/* orders in one message */
};

enum order_kind {
	ORDER_NONE,
	ORDER_PING,		/* answer with REPORT_PONG */
	/* for a new connection: */
	ORDER_RELAY,		/* 2 descriptors: client, backend.  TLS: all
				 * may pass; HTTP: what is granted to backend
				 * number 1 */
	ORDER_REFUSE,		/* 1 descriptor: client */
	/* HTTP, for one that is known by its id; an id that has ended
	 * meanwhile is passed over: */
	ORDER_NEXT,		/* 1 descriptor: a backend in place of the
				 * present one, whose number is one higher;
				 * what is left of the old one's grants lapses.
				 * Where something is held, the connection
				 * ends */
	ORDER_END		/* say why it is refused, and end it */
};

/*
 * What may stand in which field for which relay is in src/relay/order.c; all
 * else is 0.
 */
struct order {
	uint8_t		kind;
	uint8_t		refusal;	/* REFUSE, END: any with an answer */
	uint8_t		head;		/* REFUSE, END: 1: without content */
	uint8_t		zero;
	uint32_t	id;		/* TLS: 0; REFUSE: 0 */
};

struct orders {
	struct order	order[ORDER_BATCH];
};

/* Relay to front. */
enum report_kind {
	REPORT_READY = 1,	/* all else is 0; once */
	REPORT_PONG,		/* all else is 0; once for each ORDER_PING */
	REPORT_ENDED,		/* a connection has ended */
	REPORT_BREACH		/* HTTP: usherd-http has broken its rules, and
				 * is believed nothing more: it is to be
				 * ended; all else is 0 */
};

/* How a connection ended.  The first of them that was true. */
enum ending {
	ENDING_NONE,
	ENDING_WHOLE,		/* both sides had said all that they had */
	ENDING_CLIENT,		/* the client broke off */
	ENDING_TENANT,		/* the tenant broke off */
	ENDING_REFUSED,		/* it was refused */
	ENDING_IDLE,		/* nothing moved for too long */
	ENDING_RELAY,		/* the relay could not go on: memory, or what
				 * usherd-http said about it */
	ENDING_COUNT
};

struct report {
	uint8_t		kind;
	uint8_t		ending;		/* ENDED: not ENDING_NONE */
	uint8_t		zeros[2];
	uint32_t	id;		/* ENDED, HTTP: 0 of ORDER_REFUSE; else
					 * 0 */
	uint64_t	up;		/* bytes that the tenant was given */
	uint64_t	down;		/* and the client, answers of ours not
					 * among them */
};

/*
 * usherd-http to its relay: how much more may pass, of what it has read.  One
 * record adds to what was granted before; several that have not left are one.
 * A record about an id that has ended is passed over.  Any other that is not
 * legal, or that a connection in its state cannot be told
 * (relay/pair_states.h), is a breach: the relay believes its parser nothing
 * more, and goes on as if that had died.
 */
#define GRANT_UNLIMITED	UINT64_MAX

enum grant_flag {
	GRANT_TELL_UP = 1 << 0,	/* say progress once up has moved to the
				 * tenant to its last granted byte */
	GRANT_TELL_DOWN = 1 << 1, /* the same, to the client */
	GRANT_STOP = 1 << 2,	/* take in no more of the client's, take the
				 * rest of that grant back, say progress now;
				 * with no bytes */
	GRANT_HURRY = 1 << 3,	/* the response is over, but not the request:
				 * once up has not moved for 5 s, or the tenant
				 * takes no more, as GRANT_FINISH */
	GRANT_CALM = 1 << 4,	/* GRANT_HURRY is over */
	GRANT_AWAY = 1 << 5,	/* the client has ended its side: 5 minutes
				 * without a byte moved end the connection */
	/* One of these at most, or GRANT_WARY, after which usherd-http has let
	 * go of it: */
	GRANT_FINISH = 1 << 6,	/* move what is granted, then end */
	GRANT_LAST = 1 << 7,	/* a response without a known end: down is
				 * unlimited, and up as granted.  It ends with
				 * the tenant; or, once the client sends more,
				 * when the tenant has been silent for 1 s */
	GRANT_TUNNEL = 1 << 8,	/* both are unlimited; ends pass each way */
	GRANT_CUT = 1 << 9,	/* one side is broken: end it at once */

	GRANT_OPEN = 1 << 10,	/* the response goes on behind what is granted
				 * of it: should usherd-http die, the rest
				 * passes unread.  Without it the response ends
				 * there, if some of it was granted */
	GRANT_WARY = 1 << 11	/* one of those above: as GRANT_LAST, but some
				 * client may see an end in that response: it
				 * ends at once when the client sends more.  To
				 * one that has sent more by then, which waits
				 * for no end, it is GRANT_LAST */
};

struct grant {
	uint32_t	id;		/* not 0 */
	uint32_t	backend;	/* its number, from 1 */
	uint64_t	up;		/* bytes more, client to tenant; in all
					 * below 2^63, or GRANT_UNLIMITED */
	uint64_t	down;
	uint32_t	flags;		/* enum grant_flag */
	uint32_t	serial;		/* of the records about this id, from
				 * 1; after 2^32 - 1 comes 0 */
};

enum {
	GRANT_BATCH = 128	/* 128 * 32 bytes are PIPE_BUF */
};

/*
 * Relay to its usherd-http.  What it says of an id or a backend that
 * usherd-http has let go of is passed over.
 */
enum progress_flag {
	PROGRESS_CLIENT_ENDED = 1 << 0,	/* the client ended inside what was
					 * granted: the rest will not come */
	PROGRESS_TENANT_DEAF = 1 << 1,	/* the tenant takes no more, and what
					 * was on its way to it is lost */
	PROGRESS_TENANT_ENDED = 1 << 2,	/* the tenant has ended inside what was
					 * granted, all before has moved, and
					 * the connection ends with it */
	PROGRESS_OVER = 1 << 3		/* the connection has ended */
};

struct progress {
	uint32_t	id;
	uint32_t	backend;
	uint64_t	untaken;	/* bytes granted up that are still the
					 * client's; of GRANT_STOP, that were */
	uint64_t	up;		/* bytes granted up that the tenant has
					 * not been given, untaken among them */
	uint64_t	down;		/* the same, to the client */
	uint32_t	flags;		/* enum progress_flag */
	uint32_t	serial;		/* of the last grant about this id that
				 * the relay had read, 0: none.  What is
				 * said here is of those up to that one:
				 * others may be on their way */
};

enum {
	PROGRESS_BATCH = 102	/* 102 * 40 bytes stay below PIPE_BUF */
};

/* Descriptors with one record. */
enum { MESSAGE_FDS_MAX = 2 * INTAKE_BATCH };

#endif
