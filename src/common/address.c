/* SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "address.h"

enum {
	MAPPED_AT = 12,		/* where IPv4 stands in a v4-mapped address */
	NETWORK_BYTES = 6
};

/* Copied out and not cast: nothing is said of how *address is aligned. */
static void
write_v4(struct address_text *text, const void *bytes, in_port_t port)
{
	/* Cannot fail: the family is known and the room is enough. */
	(void)inet_ntop(AF_INET, bytes, text->host, sizeof(text->host));
	text->port = ntohs(port);
}

static void
write_v6(struct address_text *text, const struct sockaddr_in6 *v6)
{
	size_t n;

	(void)inet_ntop(AF_INET6, &v6->sin6_addr, text->host,
	    sizeof(text->host));
	text->port = ntohs(v6->sin6_port);
	n = strlen(text->host);
	if (v6->sin6_scope_id != 0)
		(void)snprintf(text->host + n, sizeof(text->host) - n, "%%%u",
		    (unsigned int)v6->sin6_scope_id);
}

void
address_write(struct address_text *text, const struct sockaddr *address)
{
	struct sockaddr_in	v4;
	struct sockaddr_in6	v6;

	memset(text, 0, sizeof(*text));
	if (address->sa_family == AF_INET) {
		memcpy(&v4, address, sizeof(v4));
		write_v4(text, &v4.sin_addr, v4.sin_port);
		return;
	}
	if (address->sa_family != AF_INET6) {
		text->host[0] = '-';
		return;
	}
	memcpy(&v6, address, sizeof(v6));
	if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
		write_v4(text, v6.sin6_addr.s6_addr + MAPPED_AT,
		    v6.sin6_port);
	else
		write_v6(text, &v6);
}

uint64_t
address_source(const struct sockaddr *address)
{
	struct sockaddr_in	v4;
	struct sockaddr_in6	v6;
	uint64_t		source = 0;

	if (address->sa_family == AF_INET) {
		memcpy(&v4, address, sizeof(v4));
		return v4.sin_addr.s_addr;
	}
	if (address->sa_family != AF_INET6)
		return 0;
	memcpy(&v6, address, sizeof(v6));
	if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
		memcpy(&source, v6.sin6_addr.s6_addr + MAPPED_AT,
		    sizeof(v4.sin_addr));
	else
		memcpy(&source, v6.sin6_addr.s6_addr, sizeof(source));
	return source;
}

uint64_t
address_network(const struct sockaddr *address)
{
	uint64_t network = address_source(address);

	/* IPv4, mapped or not, fills 4 bytes and is the network itself. */
	if (address->sa_family == AF_INET6)
		memset((uint8_t *)&network + NETWORK_BYTES, 0,
		    sizeof(network) - NETWORK_BYTES);
	return network;
}
