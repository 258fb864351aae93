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
 *
 * The last four are below, log_record is in log_record.h, and what the
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

/* The descriptors that a child finds at its start; it has no others. */
enum {
	CHILD_CONTROL = 3,	/* SEQPACKET, from the front */
	CHILD_REPORT = 4,	/* pipe, to the front */
	CHILD_EMPTY = 5,	/* the empty directory to chroot into */
	CHILD_FIRST_FREE = 6
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
	INTAKE_LOOK,		/* what was granted has passed: look again */
	INTAKE_DROP,		/* close the copy and say VERDICT_GONE */
	INTAKE_PING		/* answer with VERDICT_PONG */
};

/*
 * As many descriptors as items of kind INTAKE_SHOW, in their order.  A parser
 * that is told anything else than this ends.
 */
struct intake {
	struct {
		uint32_t	kind;
		uint32_t	id;	/* SHOW: one it does not have; LOOK,
					 * DROP: any but 0; else 0 */
	}	item[INTAKE_BATCH];
};

/* Parser to front. */
enum verdict_code {
	VERDICT_READY = 1,	/* confined, waiting for connections; once */
	VERDICT_PONG,		/* once for each INTAKE_PING */
	VERDICT_NAMED,		/* a request, and name is whom it is for */
	VERDICT_NAMELESS,	/* a request that names nobody */
	VERDICT_MORE,		/* the next part of the same request */
	VERDICT_REFUSED,	/* refusal says why */
	VERDICT_GONE		/* the client has ended, or sent nothing in its
				 * time, or INTAKE_DROP */
};

/*
 * One for each INTAKE_SHOW and INTAKE_LOOK, and one for INTAKE_DROP where the
 * parser still has its copy.  What may stand in which field of which verdict
 * of which parser is in src/usherd/rules.h; all else is 0.
 */
struct verdict {
	uint32_t	id;		/* 0 for READY and PONG */
	uint8_t		code;
	uint8_t		refusal;
	uint8_t		acme;		/* 1: ALPN is acme-tls/1 alone */
	uint8_t		kept;		/* 1: the parser keeps its copy and
					 * waits for INTAKE_LOOK */
	uint64_t	grant;		/* client bytes that may pass;
					 * GRANT_UNLIMITED for TLS */
	struct hostname	name;
	uint8_t		partial;	/* 1: the request goes on behind the
					 * grant */
	uint8_t		pipelined;	/* 1: it was there before the present
					 * response can have been read */
};

#define GRANT_UNLIMITED	UINT64_MAX

enum {
	VERDICT_BATCH = 8	/* 8 * 272 bytes stay below PIPE_BUF */
};

/* Front to relay. */
enum {
	ORDER_BATCH = 8		/* orders in one message */
};

enum order_kind {
	ORDER_NONE,
	ORDER_PING,		/* answer with REPORT_PONG */
	/* for a new connection: */
	ORDER_RELAY,		/* 2 descriptors: client, backend */
	ORDER_REFUSE,		/* 1 descriptor: client */
	/* for one that is known by its id; an id that has left meanwhile is
	 * passed over: */
	ORDER_GRANT,		/* so many bytes more to the same backend */
	ORDER_NEXT,		/* 1 descriptor: a backend for what comes when
				 * the present one has ended its response */
	ORDER_END		/* nothing more comes: refuse it once the
				 * response is over, or with REFUSAL_NONE just
				 * close then */
};

/*
 * What may stand in which field for which relay is in src/relay/order.c; all
 * else is 0.
 */
struct order {
	uint8_t		kind;
	uint8_t		refusal;
	uint8_t		patient;	/* NEXT, END: the present response may
					 * be under way */
	uint8_t		last;		/* 1: no more will be said about it */
	uint32_t	id;		/* ORDER_RELAY: 0 when no more will be;
					 * ORDER_REFUSE: 0 */
	uint64_t	grant;
	uint8_t		partial;	/* 1: the request goes on behind it */
	uint8_t		zeros[7];
};

struct orders {
	struct order	order[ORDER_BATCH];
};

/* Relay to front. */
enum report_kind {
	REPORT_READY = 1,	/* value is 0; once */
	REPORT_PONG,		/* value is 0; once for each ORDER_PING */
	REPORT_ENDED,		/* value connections have ended, 1 or more */
	/* a relay for HTTP only: */
	REPORT_MOVED,		/* value is an id: its grant is used up, and
				 * unless that was partial, a response to it
				 * has begun */
	REPORT_LONELY,		/* an id: its backend has closed between
				 * requests and more has come; it waits for
				 * ORDER_NEXT or ORDER_END, and passes over an
				 * ORDER_GRANT that was on its way */
	REPORT_LEFT		/* an id: it has ended */
};

enum {
	REPORT_BATCH = 64
};

struct report {
	uint32_t	kind;
	uint32_t	value;
};

/* Descriptors with one record. */
enum { MESSAGE_FDS_MAX = 2 * INTAKE_BATCH };

#endif
