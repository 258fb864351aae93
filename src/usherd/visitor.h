/* SPDX-License-Identifier: ISC */
#ifndef USHER_VISITOR_H
#define USHER_VISITOR_H

#include "children.h"

/*
 * A visitor is a connection between accept(2) and the hands of a relay.  The
 * parent never reads from it.
 */

/* A table for n of them; exits 1 when there is no memory.  done is called
 * whenever one has left. */
void	visitors_make(struct event_base *base, unsigned int n,
	    void (*done)(void));
/* How many there are now. */
unsigned int	visitors_present(void);
/* Could one of this protocol be taken in now? */
bool	visitor_room(enum protocol protocol);
/* Takes in a connection just accepted, which now belongs to the visitor. */
void	visitor_begin(int client, enum protocol protocol);

/* For struct child_listener. */
int	visitor_verdict(struct child *parser, const struct verdict *verdict);
void	visitors_lost(struct child *parser);

#endif
