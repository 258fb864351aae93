/* SPDX-License-Identifier: ISC */
#ifndef USHER_RELAY_H
#define USHER_RELAY_H

#include <event2/event.h>

#include "../common/message.h"

/* The loop of this relay, and what its connections speak. */
extern struct event_base	*relay_base;
extern enum protocol		 relay_protocol;

#endif
