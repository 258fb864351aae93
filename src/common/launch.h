/* SPDX-License-Identifier: ISC */
#ifndef USHER_LAUNCH_H
#define USHER_LAUNCH_H

#include <stdint.h>

/*
 * What the launcher and those whom it starts say to each other.  Down:
 * records of one size over SOCK_SEQPACKET, with descriptors.  Up: one byte
 * over a pipe, so that the launcher never takes in a length, a text or a
 * descriptor.  All ends are non-blocking.
 */

/* What serves a shard beside its front. */
enum child_kind {
	CHILD_TLS,
	CHILD_TLS_RELAY,
	CHILD_HTTP,		/* this and its relay are a pair: */
	CHILD_HTTP_RELAY,	/* born together, never with another */
	CHILD_KINDS
};

/*
 * Where a child stands in its shard: kind * GENERATIONS + generation.  One
 * generation of a kind takes new connections, up to DRAINING_MAX others
 * finish what they have, and one more may be about to die.
 */
enum {
	DRAINING_MAX = 4,
	GENERATIONS = DRAINING_MAX + 2,
	PLACES = CHILD_KINDS * GENERATIONS
};

/* The descriptors that a front finds at its start. */
enum {
	FRONT_CONTROL = 3,	/* SEQPACKET, from the launcher */
	FRONT_REQUEST = 4,	/* pipe, to the launcher */
	FRONT_LOG = 5,		/* pipe, to usherd-log */
	FRONT_COUNTERS = 6,	/* one page, shared with usherd-log */
	FRONT_HOSTS = 7,	/* the hosts directory */
	FRONT_LISTENERS = 8	/* and as many more as there are listeners */
};

/* Launcher to front. */
enum front_kind {
	FRONT_NONE,
	FRONT_CHILD,		/* a child has been started; 2 descriptors: its
				 * control socket, its report pipe */
	FRONT_SERVE,		/* accept connections */
	FRONT_PING,		/* answer with REQUEST_PONG */
	FRONT_DRAIN		/* accept no more, exit when all have ended */
};

struct front_order {
	uint32_t	kind;
	uint32_t	place;	/* CHILD: below PLACES; else 0 */
	uint32_t	pid;	/* CHILD: for people; else 0 */
	uint32_t	sweep;	/* DRAIN, 1: take in first what waits in the
				 * backlog; else 0 */
};

/*
 * To the launcher: one byte.  Of the log process READY and PONG only.  What
 * has no meaning for its sender now is passed over: a front can harm its own
 * shard and nobody else.
 */
enum request {
	REQUEST_READY = 1,	/* confined; a front: its children are, too */
	REQUEST_PONG,
	REQUEST_REPLACE = 32,	/* + kind: start a successor */
	REQUEST_KILL = 64,	/* + place: end that child at once */
	REQUEST_LOST = 96	/* + place: it has ended, or only closed */
};

_Static_assert((int)REQUEST_KILL + (int)PLACES <= (int)REQUEST_LOST,
    "requests");

/* Launcher to the log process. */
enum log_order_kind {
	LOG_NONE,
	LOG_SHARD,		/* 2 descriptors: the read end of the shard's
				 * log pipe, its page of counters, read-only; again
				 * before each start of its front */
	LOG_TEXT,		/* a line of the launcher's */
	LOG_COUNTS,		/* write the figures */
	LOG_STOPPING,		/* how many connections are left */
	LOG_CUT,		/* how many are cut after value seconds */
	LOG_PING		/* answer with REQUEST_PONG */
};

enum { LOG_TEXT_MAX = 1008 };

struct log_order {
	uint32_t	kind;
	uint32_t	shard;		/* SHARD: from 1; else 0 */
	uint32_t	value;	/* CUT: seconds; else 0 */
	uint32_t	zero;
	char		text[LOG_TEXT_MAX]; /* ends with a NUL: TEXT, the line;
				 * SHARD, path of hosts/; else "" */
};

#endif
