/* SPDX-License-Identifier: ISC */
#ifndef USHER_LISTEN_OPEN_H
#define USHER_LISTEN_OPEN_H

#include <stdbool.h>
#include <stddef.h>

#include "options.h"

enum { LISTENER_NAME_MAX = 64 };

struct listener {
	int		 fd;
	enum protocol	 protocol;
	unsigned int	 changed;	/* tcp_options_off(), at the start */
	bool		 given;		/* and still: it is not our own */
	char		 name[LISTENER_NAME_MAX];	/* "[::]:443" */
};

/*
 * Opens all listening sockets: those of the options, else those of
 * LISTEN_FDS (sd_listen_fds(3)), else descriptor 0; at most max, and gives
 * their number.  Exits 1 with a line on stderr when one cannot be had or there
 * is none.
 */
size_t	listen_open(const struct options *options,
	    struct listener *listeners, size_t max);

/*
 * Adds one that the program before us had: fd, with the options that it found
 * off at its own start.  Exits 1 when that is no listening socket.
 */
void	listen_inherit(struct listener *listeners, size_t *n,
	    enum protocol protocol, int fd, unsigned int changed, bool given);

#endif
