/* SPDX-License-Identifier: ISC */
/*
 * The PROXY protocol header, sections 2.1 (version 1) and 2.2 (version 2) of
 * haproxy's proxy-protocol.txt.
 */
#include <sys/socket.h>

#include <netinet/in.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "crc32c.h"
#include "proxy.h"

enum {
	V2_FIXED = 16,		/* signature, command, family, length */
	V2_LENGTH_AT = 14,
	V2_COMMAND = 0x21,	/* version 2, PROXY */
	V6_SIZE = 16,
	V4_SIZE = 4,
	V4_AT = V6_SIZE - V4_SIZE,	/* in a v4-mapped address */
	PORT_SIZE = 2,
	TLV_FIXED = 3,		/* type, length */
	CRC_SIZE = 4
};

enum tlv_type {
	TLV_AUTHORITY = 0x02,
	TLV_CRC32C = 0x03,
	TLV_UNIQUE_ID = 0x05
};

/* The value is the byte that says so in version 2. */
enum transport {
	TRANSPORT_UNKNOWN = 0x00,
	TRANSPORT_TCP4 = 0x11,
	TRANSPORT_TCP6 = 0x21
};

/*
 * IPv4 is kept v4-mapped, so that the two ends always have one form and a
 * pair of which only one is IPv4 needs no case of its own.
 */
struct endpoint {
	uint8_t	address[V6_SIZE];
	uint8_t	port[PORT_SIZE];	/* network order */
};

struct connection {
	enum transport	transport;
	struct endpoint	client;
	struct endpoint	listener;
};

/* Hence put() need not ask whether there is room. */
_Static_assert(V2_FIXED + 2 * (V6_SIZE + PORT_SIZE) +
    TLV_FIXED + sizeof(struct hostname) + TLV_FIXED + PROXY_ID_SIZE +
    TLV_FIXED + CRC_SIZE <= PROXY_HEADER_MAX, "version 2 header fits");

/* RFC 4291 section 2.5.5.2 */
static const uint8_t mapped_prefix[V4_AT] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff
};

/*
 * Copied out and not cast: nothing is said here about how *address lies in
 * memory.
 */
static int
endpoint_read(struct endpoint *end, const struct sockaddr *address)
{
	struct sockaddr_in	v4;
	struct sockaddr_in6	v6;

	if (address->sa_family == AF_INET) {
		memcpy(&v4, address, sizeof(v4));
		memcpy(end->address, mapped_prefix, V4_AT);
		memcpy(end->address + V4_AT, &v4.sin_addr, V4_SIZE);
		memcpy(end->port, &v4.sin_port, PORT_SIZE);
		return 0;
	}
	if (address->sa_family == AF_INET6) {
		memcpy(&v6, address, sizeof(v6));
		memcpy(end->address, &v6.sin6_addr, V6_SIZE);
		memcpy(end->port, &v6.sin6_port, PORT_SIZE);
		return 0;
	}
	return -1;
}

static int
is_v4(const struct endpoint *end)
{
	return memcmp(end->address, mapped_prefix, V4_AT) == 0;
}

static void
connection_read(struct connection *conn, const struct sockaddr *client,
    const struct sockaddr *listener)
{
	memset(conn, 0, sizeof(*conn));
	conn->transport = TRANSPORT_UNKNOWN;
	if (endpoint_read(&conn->client, client) == -1)
		return;
	if (endpoint_read(&conn->listener, listener) == -1)
		return;
	if (is_v4(&conn->client) && is_v4(&conn->listener))
		conn->transport = TRANSPORT_TCP4;
	else
		conn->transport = TRANSPORT_TCP6;
}

static void
put(struct proxy_header *header, const void *bytes, size_t n)
{
	memcpy(header->bytes + header->size, bytes, n);
	header->size += n;
}

static void
put_byte(struct proxy_header *header, uint8_t byte)
{
	put(header, &byte, 1);
}

static void
put_tlv(struct proxy_header *header, enum tlv_type type, const void *value,
    size_t n)
{
	put_byte(header, (uint8_t)type);
	put_byte(header, (uint8_t)(n >> 8));
	put_byte(header, (uint8_t)(n & 0xff));
	put(header, value, n);
}

static unsigned
port_number(const struct endpoint *end)
{
	return (unsigned)end->port[0] << 8 | end->port[1];
}

/*
 * inet_ntop() fails on a family it does not know or a short buffer; it gets
 * neither.  The line is at most 104 bytes (section 2.1).
 */
static void
v1_line(struct proxy_header *header, const struct connection *conn,
    const char *word, int family, size_t skip)
{
	char	 client[INET6_ADDRSTRLEN], listener[INET6_ADDRSTRLEN];
	char	*line = (char *)header->bytes;

	(void)inet_ntop(family, conn->client.address + skip, client,
	    sizeof(client));
	(void)inet_ntop(family, conn->listener.address + skip, listener,
	    sizeof(listener));
	(void)snprintf(line, sizeof(header->bytes),
	    "PROXY %s %s %s %u %u\r\n", word, client, listener,
	    port_number(&conn->client), port_number(&conn->listener));
	header->size = strlen(line);
}

void
proxy_v1(struct proxy_header *header, const struct sockaddr *client,
    const struct sockaddr *listener)
{
	static const char	unknown[] = "PROXY UNKNOWN\r\n";
	struct connection	conn;

	memset(header, 0, sizeof(*header));
	connection_read(&conn, client, listener);
	switch (conn.transport) {
	case TRANSPORT_TCP4:
		v1_line(header, &conn, "TCP4", AF_INET, V4_AT);
		return;
	case TRANSPORT_TCP6:
		v1_line(header, &conn, "TCP6", AF_INET6, 0);
		return;
	case TRANSPORT_UNKNOWN:
		break;
	}
	put(header, unknown, sizeof(unknown) - 1);
}

static void
v2_addresses(struct proxy_header *header, const struct connection *conn,
    size_t skip)
{
	put(header, conn->client.address + skip, V6_SIZE - skip);
	put(header, conn->listener.address + skip, V6_SIZE - skip);
	put(header, conn->client.port, PORT_SIZE);
	put(header, conn->listener.port, PORT_SIZE);
}

/* Last of all, because it covers the length and its own, still zero, bytes. */
static void
v2_checksum(struct proxy_header *header)
{
	uint8_t		*field = header->bytes + header->size - CRC_SIZE;
	uint32_t	 crc = htonl(crc32c(header->bytes, header->size));

	memcpy(field, &crc, CRC_SIZE);
}

void
proxy_v2(struct proxy_header *header, const struct sockaddr *client,
    const struct sockaddr *listener, const struct hostname *name,
    const uint8_t *id)
{
	static const uint8_t	signature[] = {
		'\r', '\n', '\r', '\n', '\0', '\r', '\n', 'Q', 'U', 'I', 'T',
		'\n'
	};
	static const uint8_t	zero[CRC_SIZE];
	struct connection	conn;
	uint16_t		length;

	memset(header, 0, sizeof(*header));
	connection_read(&conn, client, listener);
	put(header, signature, sizeof(signature));
	put_byte(header, V2_COMMAND);
	put_byte(header, (uint8_t)conn.transport);
	put(header, zero, sizeof(length));
	switch (conn.transport) {
	case TRANSPORT_TCP4:
		v2_addresses(header, &conn, V4_AT);
		break;
	case TRANSPORT_TCP6:
		v2_addresses(header, &conn, 0);
		break;
	case TRANSPORT_UNKNOWN:
		break;
	}
	if (name != NULL && name->text[0] != '\0')
		put_tlv(header, TLV_AUTHORITY, name->text,
		    strnlen(name->text, sizeof(name->text)));
	put_tlv(header, TLV_UNIQUE_ID, id, PROXY_ID_SIZE);
	put_tlv(header, TLV_CRC32C, zero, CRC_SIZE);
	length = htons((uint16_t)(header->size - V2_FIXED));
	memcpy(header->bytes + V2_LENGTH_AT, &length, sizeof(length));
	v2_checksum(header);
}
