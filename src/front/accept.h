/* SPDX-License-Identifier: ISC */
#ifndef USHER_ACCEPT_H
#define USHER_ACCEPT_H
#include <event2/event.h>
#include <stdbool.h>
#include "../common/message.h"
struct front_listener {
	int		 fd;
	enum protocol	 protocol;
	unsigned int	 changed;
	bool		 given;
	struct event	*event;
};
void	accept_make(struct event_base *base, struct front_listener *l, size_t n);
void	accept_start(void);
void	accept_stop(bool sweep);
bool	accept_stopped(void);
#endif
