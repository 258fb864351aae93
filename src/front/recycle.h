/* SPDX-License-Identifier: ISC */
#ifndef USHER_RECYCLE_H
#define USHER_RECYCLE_H

#include "children.h"

/*
 * Parsers give way to new ones: whoever has taken one over unseen does not
 * keep it for ever.  The launcher is asked for a successor; when that is
 * ready, the old one gets no new connections, finishes those that it has, and
 * ends.
 */

/* A parser is due after so many connections, 0: never; and after an hour. */
void	recycle_make(struct event_base *base, unsigned int connections);

/* It was shown one more connection. */
void	recycle_shown(struct child *parser);
/* It has let go of a connection. */
void	recycle_released(struct child *parser);
/* A child is ready: those of its kind before it drain. */
void	recycle_ready(struct child *child);
/* It has gone. */
void	recycle_lost(struct child *child);

#endif
