/* SPDX-License-Identifier: ISC */
#ifndef USHER_LOG_RECORD_H
#define USHER_LOG_RECORD_H

#include <netinet/in.h>
#include <stdint.h>

#include "hostname.h"

/*
 * What a front says to the log process, over a pipe of its own: records of one
 * size, below PIPE_BUF, so that each is written whole or not at all.  They
 * have fields and no text of the front's, and the log process makes the line:
 * whose front it was is known by the pipe, and is no field.
 *
 * A record's kind says which fields it has; all the others, and what follows
 * the end of a text, are 0.  One that is otherwise, or in which any field has
 * a value that its comment does not give, is broken, and nothing more is read
 * from that pipe: src/log/check.c.
 */
enum log_kind {
	LOG_REFUSED = 1,	/* protocol, refusal, client, named, name,
				 * entry, at, needs, mode, uid, gid */
	LOG_CHILD,		/* child, pid, why; what else, says why */
	LOG_ACCEPT,		/* error: connections cannot be accepted */
	LOG_LOOP,		/* error: libevent has warned */
	LOG_HOSTS_GONE,		/* nothing: hosts/ has been removed */
	LOG_STEP,		/* id, state, event, action, next: only where
				 * the log process was told to take them */
	LOG_LOST_LINES		/* count: records that could not be written */
};

/* What happened to a child. */
enum log_why {
	LOG_BROKE_RULES = 1,	/* and is ended, as after the next four */
	LOG_NO_ANSWER,		/* to pings */
	LOG_NO_MESSAGES,	/* its socket stays full */
	LOG_NO_EVENT,		/* its reports cannot be waited for */
	LOG_KEPT,		/* a copy of a connection, too long */
	LOG_DRAINED_LONG,	/* count: cut; value: after so many seconds */
	LOG_SUCCEEDS,		/* value: pid of the one before; count: what
				 * that has had */
	LOG_LOST,		/* count: connections lost with it */
	LOG_WHYS
};

enum {
	LOG_SHARDS_MAX = 64,	/* pipes that one log process reads */
	LOG_AT_MAX = 160,	/* PLACE_TEXT_MAX */
	LOG_MODE_MAX = 07777,
	LOG_ERROR_MAX = 4095,	/* the kernel's own bound for errno */
	LOG_STEP_MAX = 255	/* state, event, action, next */
};

struct log_record {
	uint32_t		kind;	/* enum log_kind */
	uint32_t		protocol; /* enum protocol */
	uint32_t		refusal; /* enum refusal, not NONE */
	uint32_t		named;	/* 0 or 1: name has one */
	uint32_t		needs;	/* of "rwxt", what at lacks, or 0 */
	uint32_t		mode;	/* with needs: up to LOG_MODE_MAX */
	uint32_t		uid;	/* with needs: any */
	uint32_t		gid;	/* with needs: any */
	uint32_t		child;	/* enum child_kind */
	uint32_t		pid;	/* up to INT32_MAX */
	uint32_t		why;	/* enum log_why */
	uint32_t		count;	/* any; LOST_LINES: not 0 */
	uint32_t		value;	/* any; SUCCEEDS: a pid */
	uint32_t		error;	/* up to LOG_ERROR_MAX; ACCEPT: not 0 */
	uint32_t		id;	/* of a connection: any */
	uint32_t		state;	/* up to LOG_STEP_MAX, as the next 3 */
	uint32_t		event;
	uint32_t		action;
	uint32_t		next;
	/* AF_INET6, or AF_INET in the same place; or all 0: not known.  No
	 * flow label, and sin_zero is 0. */
	struct sockaddr_in6	client;
	struct hostname		name;	/* with named: hostname_check() */
	char			entry[HOSTNAME_MAX + 1]; /* of hosts/, or "":
					 * a-z, 0-9, '-', '.' and '_' */
	/* Path below hosts/, or "": what place_append() writes.  With needs
	 * there is one; without needs and entry there is none. */
	char			at[LOG_AT_MAX];
};

#endif
