/* SPDX-License-Identifier: ISC */
#ifndef USHER_LISTEN_OPEN_H
#define USHER_LISTEN_OPEN_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "options.h"

enum { LISTENER_NAME_MAX = 64 };

struct listener {
	int		 fd;
	enum protocol	 protocol;
	struct event	*event;
	unsigned int	 changed;	/* tcp_options_off(), at the start */
	bool		 given;		/* and still: it is not our own */
	char		 name[LISTENER_NAME_MAX];	/* "[::]:443" */
};

/*
 * Opens or takes over the sockets that listeners_open() describes, at most
 * max, and gives their number.  Exits 1 with a line on stderr.
 */
size_t	listen_open(const struct options *options,
	    struct listener *listeners, size_t max);

#endif
