/* SPDX-License-Identifier: ISC */
#include <arpa/inet.h>

#include <stdio.h>
#include <string.h>

#include "name.h"

#define PREFIX	".usher-"
#define LAST	"handoff"
#define SUFFIX	"-" LAST
#define NEW	PREFIX "new-"

enum {
	DECIMAL = 10,
	HEX = 16,
	HEX_DIGITS = 8,		/* of 32 bits */
	PORT_DIGITS = 5,
	PORT_MAX = 65535
};

_Static_assert(NAME_BYTES + sizeof("/proc/self/fd/2147483647/") - 1 <= 108,
    "a stand-in's name fits into sun_path");

bool
name_is_handoff(const char *path)
{
	const size_t n = strlen(path), suffix = sizeof(SUFFIX) - 1;

	return n >= suffix && strcmp(path + n - suffix, SUFFIX) == 0;
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + DECIMAL;
	return HEX;
}

/* One to max digits and the dash after them.  Gives -1 for anything else. */
static int
take_number(const char **at, int base, int max, uint32_t *value)
{
	uint64_t	sum = 0;
	int		n;

	for (n = 0; n < max && digit((*at)[n]) < base; n++)
		sum = sum * (uint64_t)base + (uint64_t)digit((*at)[n]);
	if (n == 0 || (*at)[n] != '-')
		return -1;
	*value = (uint32_t)sum;
	*at += n + 1;
	return 0;
}

/* Exactly n bytes of two digits each, and the dash. */
static int
take_bytes(const char **at, uint8_t *bytes, size_t n)
{
	size_t	i;
	int	high, low;

	for (i = 0; i < n; i++, *at += 2) {
		high = digit((*at)[0]);
		low = high == HEX ? HEX : digit((*at)[1]);
		if (low == HEX)
			return -1;
		bytes[i] = (uint8_t)(high * HEX + low);
	}
	return *(*at)++ == '-' ? 0 : -1;
}

static int
take_address(const char **at, union name_address *address)
{
	uint32_t family, port, scope;

	memset(address, 0, sizeof(*address));
	if (take_number(at, DECIMAL, 1, &family) == -1 ||
	    take_number(at, DECIMAL, PORT_DIGITS, &port) == -1 ||
	    port > PORT_MAX)
		return -1;
	if (family == 4) {
		address->in.sin_family = AF_INET;
		address->in.sin_port = htons((uint16_t)port);
		if (take_bytes(at, (uint8_t *)&address->in.sin_addr,
		    sizeof(address->in.sin_addr)) == -1)
			return -1;
		return take_number(at, HEX, HEX_DIGITS, &scope);
	}
	if (family != 6)
		return -1;
	address->in6.sin6_family = AF_INET6;
	address->in6.sin6_port = htons((uint16_t)port);
	if (take_bytes(at, address->in6.sin6_addr.s6_addr,
	    sizeof(address->in6.sin6_addr)) == -1 ||
	    take_number(at, HEX, HEX_DIGITS, &scope) == -1)
		return -1;
	address->in6.sin6_scope_id = scope;
	return 0;
}

static int
take_name(struct name *name, const char *at)
{
	uint32_t owner, unique;

	if (strncmp(at, PREFIX, sizeof(PREFIX) - 1) != 0)
		return -1;
	at += sizeof(PREFIX) - 1;
	if (take_address(&at, &name->address) == -1 ||
	    take_number(&at, HEX, HEX_DIGITS, &owner) == -1 ||
	    take_number(&at, HEX, HEX_DIGITS, &unique) == -1)
		return -1;
	name->owner = (uid_t)owner;
	return strcmp(at, LAST) == 0 ? 0 : -1;
}

enum name_kind
name_read(struct name *name, const char *path)
{
	const char *last = strrchr(path, '/');

	if (!name_is_handoff(path))
		return NAME_OTHER;
	return take_name(name, last == NULL ? path : last + 1) == 0 ?
	    NAME_STANDIN : NAME_HANDOFF;
}

void
name_write(char out[static NAME_BYTES], const struct name *name,
    uint32_t unique)
{
	const union name_address	*address = &name->address;
	const uint8_t			*bytes;
	size_t				 at, i, n;
	uint32_t			 scope;
	bool				 six;

	six = address->any.sa_family == AF_INET6;
	bytes = six ? address->in6.sin6_addr.s6_addr :
	    (const uint8_t *)&address->in.sin_addr;
	n = six ? sizeof(address->in6.sin6_addr) :
	    sizeof(address->in.sin_addr);
	scope = six ? address->in6.sin6_scope_id : 0;
	at = (size_t)snprintf(out, NAME_BYTES, PREFIX "%d-%u-", six ? 6 : 4,
	    ntohs(six ? address->in6.sin6_port : address->in.sin_port));
	for (i = 0; i < n; i++, at += 2)
		(void)snprintf(out + at, NAME_BYTES - at, "%02x", bytes[i]);
	(void)snprintf(out + at, NAME_BYTES - at, "-%x-%x-%x" SUFFIX, scope,
	    (uint32_t)name->owner, unique);
}

int
name_hide(char out[static NAME_MAX + 1], const char *entry, uint32_t unique)
{
	const int n = snprintf(out, NAME_MAX + 1, NEW "%08x-%s", unique,
	    entry);

	return n >= 0 && n <= NAME_MAX ? 0 : -1;
}

bool
name_unhide(char *path)
{
	char	*last = strrchr(path, '/');
	size_t	 i, n = sizeof(NEW) - 1;

	last = last == NULL ? path : last + 1;
	if (strncmp(last, NEW, n) != 0)
		return false;
	for (i = 0; i < HEX_DIGITS; i++, n++) {
		if (digit(last[n]) >= HEX)
			return false;
	}
	if (last[n++] != '-' || !name_is_handoff(last + n))
		return false;
	memmove(last, last + n, strlen(last + n) + 1);
	return true;
}

bool
name_is_hidden(const char *entry)
{
	return strncmp(entry, PREFIX, sizeof(PREFIX) - 1) == 0 &&
	    name_is_handoff(entry);
}

void
name_address_give(const union name_address *from, struct sockaddr *address,
    socklen_t *size)
{
	const socklen_t full = from->any.sa_family == AF_INET6 ?
	    sizeof(from->in6) : sizeof(from->in);

	memcpy(address, from, full < *size ? full : *size);
	*size = full;
}
