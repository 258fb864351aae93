/* SPDX-License-Identifier: ISC */
#ifndef USHER_FAMILY_H
#define USHER_FAMILY_H

/*
 * A listener of TCP gives sockets of its own family only, and servers rely on
 * that: nginx looks for its virtual host in a table that it takes for one of
 * IPv4 or of IPv6 by the family of the client's socket.  usherd's clients are
 * of the family by which they came.  So a client's socket that differs from
 * its stand-in is marked, and all of its addresses are shown in the other
 * family, as IPv6 sockets show IPv4 addresses: ::ffff:192.0.2.1.  A real IPv6
 * address has no such form in IPv4 and becomes 0.0.0.0.
 *
 * The mark is IP_MULTICAST_LOOP switched off (ip(7)), of which a TCP socket
 * makes no use: thus it belongs to the socket, and whoever gets that gets it.
 */
#include <stdbool.h>

#include "name.h"

/*
 * Makes a client's socket one of this family, AF_INET or AF_INET6, or marks
 * it.  The client's address is given as it is shown from then on.
 */
void	family_adopt(int client, union name_address *address,
	    sa_family_t family);

/* Is it a TCP socket that was marked?  Leaves errno alone. */
bool	family_is_other(int fd);

/* Shows an address of a socket that was marked in the other family. */
void	family_swap(union name_address *address);

#endif
