/* SPDX-License-Identifier: ISC */
#ifndef USHER_FLIGHT_H
#define USHER_FLIGHT_H

#include <stddef.h>
#include <stdint.h>

/*
 * The record layer below a ClientHello: how far a client's first flight has
 * come.  Pure, and shared by both ways of reading the hello.
 *
 * A TLSPlaintext record (RFC 8446 section 5.1) is type 22, version 3.x, a
 * length of 1 to 2^14, and that many bytes.  The ClientHello (section 4.1.2)
 * is handshake type 1 with a 24-bit length, split over any number of records
 * at any place.
 */
enum {
	FLIGHT_MAX = 80 * 1024	/* bytes of a first flight, headers included:
				 * what the default receive buffer lets one
				 * peek at; a 64 KiB hello fits */
};

enum flight_state {
	FLIGHT_WHOLE,		/* the ClientHello is there to its last byte */
	FLIGHT_PART,		/* legal so far, more must come */
	FLIGHT_NOT_HELLO,	/* not a handshake record or not a ClientHello:
				 * also SSLv2, plain HTTP, an alert */
	FLIGHT_OVERFLOW,	/* a record of more than 2^14 bytes */
	FLIGHT_MALFORMED,	/* an empty record */
	FLIGHT_TOO_LONG		/* the hello cannot end within FLIGHT_MAX */
};

struct flight {
	size_t	size;		/* WHOLE: bytes up to the end of the hello's
				 * last byte, headers included */
	size_t	missing;	/* PART: at least so many bytes must still
				 * come, 1 or more; a lower bound that is
				 * always true, whatever the splitting */
};

/* bytes: the first n bytes that the client sent; n may exceed FLIGHT_MAX. */
enum flight_state flight_measure(const uint8_t *bytes, size_t n,
    struct flight *flight);

#endif
