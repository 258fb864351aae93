/* SPDX-License-Identifier: ISC */
#ifndef USHER_ORDERS_H
#define USHER_ORDERS_H

#include <event2/event.h>
#include <stdbool.h>

#include "../common/launch.h"

/*
 * What the launcher tells a front.
 */
struct orders_listener {
	/* fds are taken */
	void	(*child)(const struct front_order *, const int fds[2]);
	void	(*serve)(void);
	void	(*ping)(void);
	/* also when the launcher has closed its end, without a sweep */
	void	(*drain)(bool sweep);
};

/* listener is kept.  Exits 1 when there is no memory. */
void	orders_make(struct event_base *base,
	    const struct orders_listener *listener);

#endif
