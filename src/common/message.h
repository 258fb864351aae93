/* SPDX-License-Identifier: ISC */
#ifndef USHER_MESSAGE_H
#define USHER_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "hostname.h"

/*
 * What the processes say to each other.
 *
 * Down, from the parent: records with descriptors over a SOCK_SEQPACKET pair.
 * Up, to the parent: records over a pipe, so that no child can send it a
 * descriptor.  A record has one size and no length field; a receiver tests
 * for equality and refuses everything else.  A pipe takes a write of up to
 * PIPE_BUF (4096) bytes whole or not at all (POSIX write(2)), so records on
 * it are never torn.
 */

/* The descriptors that a child finds at its start; it has no others. */
enum {
	CHILD_CONTROL = 3,	/* SEQPACKET, from the parent */
	CHILD_REPORT = 4,	/* pipe, to the parent */
	CHILD_EMPTY = 5,	/* the empty directory to chroot into */
	CHILD_FIRST_FREE = 6
};

enum protocol {
	PROTOCOL_TLS,
	PROTOCOL_HTTP,
	PROTOCOL_COUNT
};

/* Parent to parser. */
enum {
	INTAKE_BATCH = 16	/* connections in one message; saves a system
				 * call and a wake-up each under load */
};

enum intake_kind {
	INTAKE_CONNECTIONS = 1,	/* one descriptor for each id that is not 0,
				 * in their order, ids first */
	INTAKE_PING		/* answer with VERDICT_PONG */
};

struct intake {
	uint32_t	kind;
	uint32_t	ids[INTAKE_BATCH];
};

/* Parser to parent. */
enum verdict_code {
	VERDICT_READY = 1,	/* confined, waiting for connections */
	VERDICT_PONG,
	VERDICT_NAMED,		/* name is what was asked for */
	VERDICT_NAMELESS,	/* none was asked for */
	VERDICT_REFUSED,	/* refusal says why */
	VERDICT_GONE		/* the client left without a byte */
};

struct verdict {
	uint32_t	id;		/* 0 for READY and PONG */
	uint8_t		code;
	uint8_t		refusal;
	uint8_t		acme;		/* 1: ALPN is acme-tls/1 alone */
	uint8_t		zero;
	uint64_t	grant;		/* client bytes that may pass;
					 * GRANT_UNLIMITED for TLS */
	struct hostname	name;
	uint8_t		zeros[2];
};

#define GRANT_UNLIMITED	UINT64_MAX

enum {
	VERDICT_BATCH = 8	/* 8 * 272 bytes stay below PIPE_BUF */
};

/* Parent to relay. */
enum {
	ORDER_BATCH = 8		/* connections in one message */
};

enum order_kind {
	ORDER_NONE,
	ORDER_RELAY,		/* 2 descriptors: client, backend */
	ORDER_REFUSE,		/* 1 descriptor: client */
	ORDER_PING		/* no descriptor; answer with REPORT_PONG */
};

struct order {
	uint8_t		kind;
	uint8_t		refusal;
	uint8_t		zeros[6];
	uint64_t	grant;
};

struct orders {
	struct order	order[ORDER_BATCH];
};

/* Relay to parent. */
enum report_kind {
	REPORT_READY = 1,
	REPORT_PONG,
	REPORT_ENDED		/* ended connections have ended */
};

struct report {
	uint32_t	kind;
	uint32_t	ended;
};

/*
 * Sends one record of size bytes with nfds descriptors (at most
 * MESSAGE_FDS_MAX), without waiting.  The descriptors stay the caller's.
 * Gives 0, or -1 with errno; EAGAIN when the other side is behind.
 */
enum { MESSAGE_FDS_MAX = 2 * INTAKE_BATCH };

int	message_send(int fd, const void *record, size_t size, const int *fds,
	    size_t nfds);

enum message_result {
	MESSAGE_TAKEN,		/* *nfds descriptors now belong to the caller */
	MESSAGE_NONE,		/* nothing there yet */
	MESSAGE_CLOSED,		/* the other side is gone */
	MESSAGE_BROKEN		/* wrong size, truncated, or a surplus of
				 * descriptors: all closed */
};

/* Takes one record of exactly size bytes, without waiting. */
enum message_result message_take(int fd, void *record, size_t size, int *fds,
    size_t max, size_t *nfds);

/*
 * Writes records, size bytes up to PIPE_BUF, to a blocking pipe.  Gives 0, or
 * -1 when the reader is gone.
 */
int	message_report(int fd, const void *records, size_t size);

#endif
