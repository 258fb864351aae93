/* SPDX-License-Identifier: ISC */
#ifndef USHER_HOSTNAME_H
#define USHER_HOSTNAME_H

#include <stddef.h>
#include <stdint.h>

/*
 * A host name in the one form in which hosts/ knows it: labels of 1 to 63
 * of a-z 0-9 and inner hyphens (RFC 1123 section 2.1), joined by dots, no
 * trailing dot, 253 bytes at most (RFC 1035 section 2.3.4 less root and
 * length bytes), and a last label that is not all digits, because that would
 * read as an IPv4 address (RFC 1123 section 2.1).  Such a name can be nothing
 * but a single path component: no '/', no NUL, no "..", no leading '_' or '.'.
 *
 * text is padded with NUL to its end, so that two equal names are equal in
 * every byte and a record that carries one carries nothing else.
 */
enum { HOSTNAME_MAX = 253 };

struct hostname {
	char	text[HOSTNAME_MAX + 1];
};

/*
 * Turns n foreign bytes into a host name: folds A-Z, strips one trailing dot
 * (browsers leave it in SNI and Host when the URL has one).
 * Gives 0, or -1 when the bytes are no legal name; *name is all NUL then.
 * Pure: no memory, no errno, no system call.
 */
int	hostname_parse(struct hostname *name, const uint8_t *bytes, size_t n);

/*
 * Why bytes are no host name, for the administrator's log, which never shows
 * them.  The first of these that applies.
 */
enum hostname_fault {
	HOSTNAME_NO_FAULT,	/* they are one */
	HOSTNAME_EMPTY,		/* nothing, or a lone dot */
	HOSTNAME_LONG,		/* over HOSTNAME_MAX */
	HOSTNAME_NOT_ASCII,	/* a byte from 0x80 on: not the A-label form */
	HOSTNAME_PORT,		/* a colon: host:port, or an IPv6 address */
	HOSTNAME_UNDERSCORE,
	HOSTNAME_CHARACTER,	/* another byte that no label has */
	HOSTNAME_EMPTY_LABEL,	/* two dots in a row, or one in front */
	HOSTNAME_LONG_LABEL,	/* over 63 */
	HOSTNAME_HYPHEN,	/* at the beginning or the end of a label */
	HOSTNAME_DIGITS,	/* the last label: reads as an IPv4 address */
	HOSTNAME_FAULTS
};

/* What is wrong with bytes that hostname_parse() refuses.  Pure. */
enum hostname_fault hostname_fault(const uint8_t *bytes, size_t n);

/*
 * Checks a name that came in a record from another process: NUL-padded, and
 * hostname_parse() gives back just these bytes.  Gives 0 and the name that
 * may be used, or -1.
 */
int	hostname_check(struct hostname *name, const struct hostname *claimed);

/*
 * The part after the first dot ("example.com" of "www.example.com"), or NULL
 * when there is no dot.  Points into name.
 */
const char *hostname_parent(const struct hostname *name);

#endif
