/* SPDX-License-Identifier: ISC */
#ifndef USHER_LISTENER_H
#define USHER_LISTENER_H

/*
 * Hand-off listeners: what is one, and how a TCP socket becomes one.
 */
#include <sys/socket.h>

#include "name.h"
#include "settings.h"

/*
 * Asks the kernel for the socket's name, each time.  Fills in the name when
 * it gives NAME_STANDIN.  Leaves errno alone.
 */
enum name_kind	listener_kind(int fd, struct name *name);

/*
 * Is this a bind(2) of a TCP socket to a port that was named?  Gives NULL, or
 * the port, and fills in the address.
 */
const struct settings_port	*listener_wanted(int fd,
	    const struct sockaddr *address, socklen_t size,
	    union name_address *wanted);

/*
 * Puts a UNIX socket bound to the port's path in the place of the TCP socket,
 * under the same number and with its flags and options.  Gives 0, or -1 with
 * errno as bind(2) has it, and has said why.  Where others are to be replaced
 * (USHER_REPLACE) it does not appear yet.
 */
int	listener_turn(int fd, const struct settings_port *port,
	    const union name_address *address);

/*
 * Lets a listener appear that was to wait until it listens; does nothing to
 * any other socket.  Gives 0, or -1 with errno as listen(2) has it, and has
 * said why.
 */
int	listener_show(int fd);

#endif
