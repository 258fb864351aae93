/* SPDX-License-Identifier: ISC */
#ifndef USHER_REQUEST_LAUNCHER_H
#define USHER_REQUEST_LAUNCHER_H

#include <event2/event.h>

#include "../common/launch.h"

/*
 * What a front asks of the launcher.  Nothing is waited for: what the pipe
 * does not take is kept, once each, and said when it does.
 */

/* Exits 1 when there is no memory. */
void	request_make(struct event_base *base);

/* REQUEST_READY, REQUEST_PONG. */
void	request_say(enum request request);
void	request_replace(enum child_kind kind);
void	request_kill(unsigned int place);
/* If it lives, it is killed; how it ended is said by the launcher. */
void	request_lost(unsigned int place);

#endif
