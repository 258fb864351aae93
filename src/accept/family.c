/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "family.h"
#include "real.h"

enum {
	PREFIX_ZEROS = 10,	/* of ::ffff:0:0/96 */
	PREFIX = 12
};

void
family_convert(union name_address *address, sa_family_t family)
{
	const union name_address	 from = *address;
	uint8_t				*bytes = address->in6.sin6_addr.s6_addr;

	if (from.any.sa_family == family)
		return;
	memset(address, 0, sizeof(*address));
	address->any.sa_family = family;
	if (family == AF_INET6) {
		address->in6.sin6_port = from.in.sin_port;
		memset(bytes + PREFIX_ZEROS, 0xff, PREFIX - PREFIX_ZEROS);
		memcpy(bytes + PREFIX, &from.in.sin_addr,
		    sizeof(from.in.sin_addr));
		return;
	}
	address->in.sin_port = from.in6.sin6_port;
	if (IN6_IS_ADDR_V4MAPPED(&from.in6.sin6_addr))
		memcpy(&address->in.sin_addr,
		    from.in6.sin6_addr.s6_addr + PREFIX,
		    sizeof(address->in.sin_addr));
}

void
family_adopt(int client, union name_address *address, sa_family_t family)
{
	const int in = AF_INET, off = 0;

	if (address->any.sa_family == family)
		return;
	/* The kernel's own way, ipv6(7), which it refuses where the client
	 * has ended its side already. */
	if (family == AF_INET || !IN6_IS_ADDR_V4MAPPED(&address->in6.sin6_addr) ||
	    real()->setsockopt(client, IPPROTO_IPV6, IPV6_ADDRFORM, &in,
	    sizeof(in)) == -1)
		(void)real()->setsockopt(client, IPPROTO_IP, IP_MULTICAST_ALL,
		    &off, sizeof(off));
	family_convert(address, family);
}
