/* SPDX-License-Identifier: ISC */
#ifndef USHER_ACCEPT_SYSTEM_H
#define USHER_ACCEPT_SYSTEM_H

#include <event2/event.h>

/*
 * A front's place in the queue of those that wait for connections of a
 * listening socket.  A connection wakes the first in the queue that is not at
 * work.  A system where it wakes all of them does the same with event_add(3)
 * and event_del(3).
 *
 * The event is one for reading that persists, and the only one of its
 * descriptor.
 */

/* Once: makes it pending, in the queue.  Gives 0 or -1 with errno. */
int	accept_watch(struct event *event);
/* Enters the queue at its end.  Gives 0 or -1 with errno. */
int	accept_join(struct event *event);
/* Leaves the queue. */
void	accept_leave(struct event *event);

#endif
