/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "family.h"
#include "real.h"

enum {
	PREFIX_ZEROS = 10,	/* of ::ffff:0:0/96 */
	PREFIX = 12
};

/* Shows an address in a family, AF_INET or AF_INET6. */
static void
convert(union name_address *address, sa_family_t family)
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

/* The kernel's own way, ipv6(7): refused after the client has ended. */
static bool
reform(int client, const union name_address *address)
{
	const int family = AF_INET;

	return address->any.sa_family == AF_INET6 &&
	    IN6_IS_ADDR_V4MAPPED(&address->in6.sin6_addr) &&
	    real()->setsockopt(client, IPPROTO_IPV6, IPV6_ADDRFORM, &family,
	    sizeof(family)) == 0;
}

void
family_adopt(int client, union name_address *address, sa_family_t family)
{
	const int off = 0;

	if (address->any.sa_family == family)
		return;
	if (!reform(client, address))
		(void)real()->setsockopt(client, IPPROTO_IP,
		    IP_MULTICAST_LOOP, &off, sizeof(off));
	convert(address, family);
}

bool
family_is_other(int fd)
{
	const int	error = errno;
	int		type = -1, value = 1;
	socklen_t	size = sizeof(value), type_size = sizeof(type);

	if (real()->getsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &value,
	    &size) == 0 && value == 0)
		(void)real()->getsockopt(fd, SOL_SOCKET, SO_TYPE, &type,
		    &type_size);
	errno = error;
	return type == SOCK_STREAM;
}

void
family_swap(union name_address *address)
{
	convert(address, address->any.sa_family == AF_INET ? AF_INET6 :
	    AF_INET);
}
