/* SPDX-License-Identifier: ISC */
/*
 * The one reader of an authority: Host and target are compared as this file
 * understands them, so they cannot be understood in two ways.
 */
#include <string.h>

#include "authority.h"

enum {
	PORT_MAX = 65535,
	OCTET_MAX = 255,
	LITERAL_MAX = 45	/* eight groups, the last two as a dotted
				 * quad: INET6_ADDRSTRLEN less its NUL */
};

/*
 * The length of an IPv6 literal at the start, brackets included, or 0 when
 * there is none.  Its groups are not counted: nobody resolves it, it only
 * must not hide other bytes.  No zone, no IPvFuture.
 */
static size_t
literal_run(const uint8_t *bytes, size_t n)
{
	size_t i, colons = 0;

	for (i = 1; i < n && bytes[i] != ']'; i++) {
		if (bytes[i] == ':')
			colons++;
		else if (octet_hex(bytes[i]) == -1 && bytes[i] != '.')
			return 0;
	}
	if (i == n || colons < 2 || i - 1 > LITERAL_MAX)
		return 0;
	return i + 1;
}

/* The number of bytes at the start that may stand in a reg-name. */
static size_t
name_run(const uint8_t *bytes, size_t n)
{
	size_t at = 0;

	for (;;) {
		at += octet_run(bytes + at, n - at, OCTET_NAME);
		if (n - at < 3 || bytes[at] != '%')
			return at;
		if (octet_hex(bytes[at + 1]) == -1 ||
		    octet_hex(bytes[at + 2]) == -1)
			return at;
		at += 3;
	}
}

/*
 * A number of decimal digits that is no more than max.  Leading zeros do not
 * count: the grammar of a port allows them.
 */
static bool
is_number(const uint8_t *bytes, size_t n, unsigned max)
{
	unsigned	value = 0;
	size_t		i;

	for (i = 0; i < n; i++) {
		if (!octet_digit(bytes[i]))
			return false;
		value = value * 10 + (unsigned)(bytes[i] - '0');
		if (value > max)
			return false;
	}
	return true;
}

/* IPv4address of RFC 3986: four numbers without leading zeros. */
static bool
is_quad(const struct span *host)
{
	const uint8_t	*part = host->bytes;
	size_t		 i, len = 0;
	unsigned	 dots = 0;

	for (i = 0; i <= host->n; i++) {
		if (i < host->n && host->bytes[i] != '.') {
			len++;
			continue;
		}
		if (len == 0 || (len > 1 && part[0] == '0'))
			return false;
		if (!is_number(part, len, OCTET_MAX))
			return false;
		if (i == host->n)
			break;
		dots++;
		part = host->bytes + i + 1;
		len = 0;
	}
	return dots == 3;
}

/*
 * Says what the host is.  name is set for TARGET_NAMED, all zero otherwise,
 * and fault for TARGET_BAD_NAME.
 */
static enum request_target
host_target(struct authority *authority)
{
	const struct span *host = &authority->host;

	if (hostname_parse(&authority->name, host->bytes, host->n) == 0)
		return TARGET_NAMED;
	if (host->n == 0 || host->bytes[0] == '[' || is_quad(host))
		return TARGET_NAMELESS;
	authority->fault = hostname_fault(host->bytes, host->n);
	return TARGET_BAD_NAME;
}

int
authority_parse(struct authority *authority, const uint8_t *bytes, size_t n)
{
	size_t host;

	memset(authority, 0, sizeof(*authority));
	if (n > 0 && bytes[0] == '[') {
		host = literal_run(bytes, n);
		if (host == 0)
			return -1;
	} else {
		host = name_run(bytes, n);
	}
	if (host < n && bytes[host] != ':')
		return -1;
	authority->host.bytes = bytes;
	authority->host.n = host;
	authority->port.bytes = bytes + host;
	if (host < n) {
		authority->port.bytes = bytes + host + 1;
		authority->port.n = n - host - 1;
	}
	if (!is_number(authority->port.bytes, authority->port.n, PORT_MAX))
		return -1;
	authority->target = host_target(authority);
	return 0;
}

/* At most 65535: is_number() has seen to it. */
static unsigned
port_value(const struct span *port, unsigned default_port)
{
	unsigned	value = 0;
	size_t		i;

	if (port->n == 0)
		return default_port;
	for (i = 0; i < port->n; i++)
		value = value * 10 + (unsigned)(port->bytes[i] - '0');
	return value;
}

bool
authority_equal(const struct authority *a, const struct authority *b,
    unsigned default_port)
{
	if (port_value(&a->port, default_port) !=
	    port_value(&b->port, default_port))
		return false;
	if (a->target != b->target)
		return false;
	if (a->target == TARGET_NAMED)
		return memcmp(&a->name, &b->name, sizeof(a->name)) == 0;
	return span_equal(&a->host, &b->host);
}
