/* SPDX-License-Identifier: ISC */
#ifndef USHER_CHANNEL_H
#define USHER_CHANNEL_H

#include "../common/log_record.h"
#include "child.h"

/*
 * What goes to the children and comes from them.  Records of one turn of the
 * loop go out together; a front never waits for a child.
 */

/* What others do with the children's words.  The first two give 0, or -1 when
 * the child broke the rules with what it said. */
struct channel_listener {
	int	(*verdict)(struct child *, const struct verdict *);
	int	(*report)(struct child *, const struct report *);
	void	(*ready)(struct child *);
	/* a connection of a relay has ended */
	void	(*ended)(struct child *);
	/* its parser has been sent this connection's descriptor */
	void	(*told)(uint32_t id);
	/* it has closed its pipe: it has ended, or is of no use */
	void	(*closed)(struct child *);
	/* it must be ended, because it */
	void	(*failed)(struct child *, enum log_why);
};

/* listener is kept. */
void	channel_begin(struct event_base *base,
	    const struct channel_listener *listener);
/* A child starts: nothing is pending for it, none pinged.  Gives -1 when there
 * is no memory. */
int	channel_open(struct child *child);
/* It has ended: what was on the way to it is dropped. */
void	channel_close(struct child *child);
/* Its report pipe is readable: event callback. */
void	channel_reports(evutil_socket_t fd, short what, void *child);

/*
 * Puts a word on the way to a parser: kind is INTAKE_SHOW, with a client that
 * stays the caller's, INTAKE_BACKEND, with a descriptor that is taken, or
 * INTAKE_DROP or INTAKE_DRAIN, with -1.
 */
void	channel_intake(struct child *parser, enum intake_kind kind,
	    uint32_t id, int client);
/* Puts an order on the way to a relay; the descriptors are taken, -1: none.  Of
 * one of a pair, the parser gets a copy of the backend once it has left. */
void	channel_order(struct child *relay, const struct order *order,
	    int client, int backend);

#endif
