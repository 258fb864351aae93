/* SPDX-License-Identifier: ISC */
#ifndef USHER_SETTINGS_H
#define USHER_SETTINGS_H

/*
 * What the environment says, read once when the library is loaded:
 *
 * USHER_LISTEN	PORT=PATH[,PORT=PATH...]: a bind(2) to that TCP port becomes
 *		one to this UNIX socket.  PATH is absolute and ends in
 *		"-handoff".
 * USHER_TRUST	users whose connections are taken, names or numbers, with
 *		commas between; without it _usherd, if there is such a user.
 * USHER_REPLACE	A server takes the place of another that listens there.
 *		Eight hexadecimal digits that are the same in all processes
 *		which belong together, and differ from those of the server that
 *		is replaced: `usher run -r` makes them up.
 *
 * A process for which they are malformed is ended with a line that says why.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "usher_accept.h"

enum {
	SETTINGS_PORTS = 64,	/* a server with more has a pattern for them */
	SETTINGS_USERS = 16
};

struct settings_port {
	uint16_t	 port;
	size_t		 index;		/* below SETTINGS_PORTS */
	const char	*path;
};

void	settings_read(void);

/* Gives NULL for a port that was not named. */
const struct settings_port	*settings_find(uint16_t port);

const struct usher_trust	*settings_trust(void);

/* Is USHER_REPLACE set?  If so, fills in its number, if that is not NULL. */
bool	settings_replace(uint32_t *generation);

#endif
