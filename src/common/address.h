/* SPDX-License-Identifier: ISC */
#ifndef USHER_ADDRESS_H
#define USHER_ADDRESS_H

#include <sys/socket.h>

#include <netinet/in.h>
#include <stdint.h>

/*
 * Addresses for people.  inet_ntop(3) only: getnameinfo(3) asks the system
 * for the name of a link-local address's interface, which needs a socket, and
 * behind the sandbox no function may need more for one input than for another.
 */
enum { ADDRESS_TEXT_MAX = INET6_ADDRSTRLEN + 11 };	/* '%' and a number */

struct address_text {
	char		host[ADDRESS_TEXT_MAX];
	unsigned int	port;
};

/*
 * Writes an AF_INET or AF_INET6 address: IPv4 as such also when it is
 * v4-mapped (RFC 4291 section 2.5.5.2), the zone of a link-local address as
 * the number of its interface (RFC 4007 section 11.2).  Of another family:
 * "-" and port 0.
 */
void	address_write(struct address_text *text,
	    const struct sockaddr *address);

/*
 * Who is behind an address: all of IPv4, the first 64 bits of IPv6, which one
 * subscriber has to himself (RFC 6177).
 */
uint64_t address_source(const struct sockaddr *address);

/*
 * Of which network: the first 48 bits of IPv6, more than which a site seldom
 * has (RFC 6177); all of IPv4.
 */
uint64_t address_network(const struct sockaddr *address);

#endif
