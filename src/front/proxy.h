/* SPDX-License-Identifier: ISC */
#ifndef USHER_PROXY_H
#define USHER_PROXY_H

#include <sys/socket.h>

#include <stddef.h>
#include <stdint.h>

#include "../common/hostname.h"

/*
 * The PROXY protocol header (haproxy.org proxy-protocol.txt) that a tenant
 * may ask for at the head of a relayed connection.
 */
enum {
	PROXY_ID_SIZE = 16,	/* bytes of a UNIQUE_ID (at most 128 allowed) */
	PROXY_HEADER_MAX = 536	/* bytes; section 2.2 recommends no more than
				 * this, so that it fits one segment */
};

struct proxy_header {
	uint8_t	bytes[PROXY_HEADER_MAX];
	size_t	size;
};

/*
 * client and listener: the two ends of the accepted connection, AF_INET or
 * AF_INET6, whole, neither NULL; v4-mapped addresses are written as IPv4.
 * Any other family, which no listener of ours has, gives UNKNOWN (v1) or
 * command PROXY with AF_UNSPEC (v2), which haproxy refuses.
 */
void	proxy_v1(struct proxy_header *header, const struct sockaddr *client,
	    const struct sockaddr *listener);

/*
 * Version 2, command PROXY, STREAM, with TLVs AUTHORITY (the host name; left
 * out when name is NULL or empty), UNIQUE_ID (id, PROXY_ID_SIZE bytes, not
 * NULL) and
 * CRC32C over the whole header.
 */
void	proxy_v2(struct proxy_header *header, const struct sockaddr *client,
	    const struct sockaddr *listener, const struct hostname *name,
	    const uint8_t *id);

#endif
