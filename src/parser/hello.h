/* SPDX-License-Identifier: ISC */
#ifndef USHER_HELLO_H
#define USHER_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../common/hostname.h"

/*
 * What a ClientHello says about where it wants to go.  There are two engines
 * that answer this: the cursor, and BearSSL's parser (hello_bearssl.h).
 */
enum hello_kind {
	HELLO_NAMED,		/* server_name is there and legal */
	HELLO_NAMELESS,		/* well-formed, no server_name extension */
	HELLO_BAD_NAME,		/* server_name is no legal host name */
	HELLO_MALFORMED		/* breaks RFC 8446 4.1.2, 4.2, RFC 6066 3 or
				 * RFC 7301 3.1 */
};

struct hello {
	struct hostname	name;	/* NAMED: the name; else all NUL */
	bool		acme;	/* offers the ALPN acme-tls/1 (RFC 8737)
				 * and nothing else */
	enum hostname_fault fault;	/* BAD_NAME: what is wrong with it */
};

/*
 * bytes: a first flight for which flight_measure() said FLIGHT_WHOLE; n is
 * flight.size.  hello is set on every return.
 *
 * Pure: no memory, no errno, no system call, O(n).
 */
enum hello_kind	hello_cursor(const uint8_t *bytes, size_t n,
    struct hello *hello);

#endif
