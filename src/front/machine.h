/* SPDX-License-Identifier: ISC */
#ifndef USHER_MACHINE_H
#define USHER_MACHINE_H

#include "connection.h"

/*
 * Walks the table of states.h: the only place where a connection changes its
 * state.  An action says how it went by an event, and with that the walk goes
 * on, until EVENT_NONE.
 *
 * The caller has checked who said it and what; what was said stands in the
 * connection.  Gives -1, and nothing has changed, when the table has no cell
 * for it: the child broke the rules.
 */
int	machine_step(struct connection *connection,
	    enum connection_event event);
/* The same for what no child says: without a cell the process ends. */
void	machine_must(struct connection *connection,
	    enum connection_event event);

/* The table of connections, its timers and the look-ups by threads, all of
 * which come back as events.  As connections_make(). */
void	machine_make(struct event_base *base, unsigned int n,
	    void (*freed)(void));

/* said is told every step from now on, before its action; NULL: nobody is. */
void	machine_debug(void (*said)(uint32_t id, enum connection_state state,
	    enum connection_event event, enum connection_action action,
	    enum connection_state next));

#endif
