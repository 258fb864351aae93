/* SPDX-License-Identifier: ISC */
#ifndef USHER_LOOP_H
#define USHER_LOOP_H

#include <event2/event.h>
#include <stddef.h>

/*
 * libevent's loop, made so that what may happen to it later needs no system
 * call that the sandbox does not allow, and ends nobody:
 *
 * Where it would write a warning to stderr, as when epoll_ctl(2) fails for
 * want of memory or of watches, it calls says (NULL: nothing is said).
 * Whether an event_add() has failed is still to be looked at: such a failure
 * may cost the connection for which it was made, and no other.
 *
 * So many timers can be pending at once without memory being asked for, so
 * that adding one of them cannot fail.
 *
 * Gives NULL without memory.
 */
struct event_base *loop_new(void (*says)(const char *), size_t timers);

#endif
