/* SPDX-License-Identifier: ISC */
#ifndef USHER_EVENTS_H
#define USHER_EVENTS_H

#include "connection.h"

/*
 * What happens to connections, turned into events of their state machine:
 * each record of a child is held against rules.h, against who sent it, and
 * against the connection's state, before anything is changed.
 */

/* Could one of this protocol be taken in now? */
bool	events_room(enum protocol protocol);
/* Takes in a connection just accepted, whose socket is no longer the
 * caller's. */
void	events_accept(int client, enum protocol protocol,
	    const struct ends *ends);

/* For struct child_listener: 0, or -1 when the child broke the rules. */
int	events_verdict(struct child *parser, const struct verdict *verdict);
int	events_report(struct child *relay, const struct report *report);
/* The parser has been sent the descriptor of this connection. */
void	events_told(uint32_t id);
/* It has died. */
void	events_lost(struct child *child);

#endif
