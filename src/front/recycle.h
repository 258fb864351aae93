/* SPDX-License-Identifier: ISC */
#ifndef USHER_RECYCLE_H
#define USHER_RECYCLE_H

#include "children.h"

/*
 * Parsers give way to new ones: whoever has taken one over unseen does not
 * keep it for ever.  A successor is started in a spare place; when it is
 * ready, the old one gets no new connections, finishes those that it has, and
 * ends.
 */

/* A parser is due after so many connections, 0: never; and after an hour. */
void	recycle_make(struct event_base *base, unsigned int connections);

/* It was shown one more connection. */
void	recycle_shown(struct child *parser);
/* It is ready: its hour begins, and its predecessor's ends. */
void	recycle_ready(struct child *parser);
/* It has let go of a connection. */
void	recycle_released(struct child *parser);
/* A child has died in this state.  Is its place to stay empty? */
bool	recycle_buried(struct child *child, enum child_state state);

#endif
