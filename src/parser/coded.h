/* SPDX-License-Identifier: ISC */
#ifndef USHER_CODED_H
#define USHER_CODED_H

#include <stddef.h>
#include <stdint.h>

#include "field.h"

/*
 * The chunks of a response's body (RFC 9112 section 7.1), read as they come,
 * in pieces of any size: size lines and the CRLF behind the data, not the data
 * itself and not the trailers.  Pure: no memory, no errno, no system call, no
 * changing statics.
 */
enum coded_place {
	CODED_SIZE,		/* digits */
	CODED_NAME_BEGINS,	/* of an extension */
	CODED_NAME,
	CODED_VALUE_BEGINS,
	CODED_VALUE,
	CODED_QUOTED,		/* a value in quotes */
	CODED_ESCAPED,		/* the byte behind a backslash in it */
	CODED_CLOSED,		/* behind the second quote */
	CODED_LF,		/* the LF that ends a size line */
	CODED_DATA_CR,		/* the CRLF behind the data */
	CODED_DATA_LF
};

struct coded {
	uint64_t	size;		/* of the chunk: below 2^63 */
	/* The rest belongs to coded.c. */
	uint8_t		digits;
	enum coded_place place;
};

void	coded_begin(struct coded *coded);

/*
 * bytes: the n that follow those of the call before, or the data that this one
 * announced.
 *
 * LINE_PART	all n were read, more must come
 * LINE_WHOLE	behind byte *used come coded->size bytes of data, 1 or more,
 *		and what follows them is read by the next call
 * LINE_EMPTY	behind byte *used come the trailers: this was the last chunk
 * LINE_BAD	byte *used is wrong
 *
 * *used is n with LINE_PART.  A size has 1 to 16 digits.  Extensions are
 * allowed, of any length, as far as the grammar goes but for its blanks (BWS),
 * which RFC 9112 section 7.1.1 calls bad and not every client takes.
 */
enum line_state coded_read(struct coded *coded, const uint8_t *bytes,
    size_t n, size_t *used);

#endif
