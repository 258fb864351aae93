/* SPDX-License-Identifier: ISC */
#ifndef USHER_AUTHORITY_H
#define USHER_AUTHORITY_H

#include <stdbool.h>

#include "field.h"
#include "request.h"

/*
 * uri-host [":" port], as in Host, in CONNECT and in the absolute form of a
 * target (RFC 3986 section 3.2, RFC 9110 section 7.2).  Pure.
 */
struct authority {
	enum request_target	target;
	struct hostname		name;	/* TARGET_NAMED: the name */
	enum hostname_fault	fault;	/* TARGET_BAD_NAME: what is wrong */
	struct span		host;	/* as it came; empty is legal here */
	struct span		port;	/* digits, or none: at most 65535 */
};

/*
 * Gives 0, or -1 when the bytes break RFC 3986 or can be read in two ways:
 * userinfo, comma, blank, slash, anything not ASCII.
 */
int	authority_parse(struct authority *authority, const uint8_t *bytes,
	    size_t n);

/*
 * Whether two authorities name the same host and the same port, where one
 * that is left out or empty is default_port, and leading zeros do not count
 * (RFC 9110 section 4.2.3, RFC 3986 section 6.2.3).
 */
bool	authority_equal(const struct authority *a, const struct authority *b,
	    unsigned default_port);

#endif
