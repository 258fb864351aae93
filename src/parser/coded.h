/* SPDX-License-Identifier: ISC */
#ifndef USHER_CODED_H
#define USHER_CODED_H

#include <stdbool.h>
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
	CODED_BLANKS,		/* behind them */
	CODED_NAME_BEGINS,	/* of an extension */
	CODED_NAME,
	CODED_VALUE_BEGINS,
	CODED_VALUE,
	CODED_QUOTED,		/* a value in quotes */
	CODED_ESCAPED,		/* the byte behind a backslash in it */
	CODED_CLOSED,		/* behind the second quote */
	CODED_SKIPPED,		/* an extension that breaks the grammar */
	CODED_LF,		/* the LF that ends a size line */
	CODED_DATA_CR,		/* the CRLF behind the data */
	CODED_DATA_LF
};

struct coded {
	uint64_t	size;		/* of the chunk: below 2^63 */
	bool		odd;		/* the grammar was left */
	/* The rest belongs to coded.c. */
	uint8_t		digits;
	enum coded_place place;
};

/* A body begins. */
void	coded_begin(struct coded *coded);

/*
 * bytes: the n that follow those of the call before, or the data that this one
 * announced.
 *
 * LINE_PART	all n were read, more must come
 * LINE_WHOLE	behind byte *used come coded->size bytes of data, 1 or more,
 *		and what follows them is read by the next call
 * LINE_EMPTY	behind byte *used come the trailers: this was the last chunk
 * LINE_BAD	with byte *used the grammar is left in a way in which some
 *		client goes on elsewhere than some other, or all refuse it
 *
 * *used is n with LINE_PART.  By the grammar a size has 1 to 16 digits, and
 * extensions are allowed, of any length, but for their blanks (BWS), which RFC
 * 9112 section 7.1.1 calls bad and not every client takes.
 *
 * Where the grammar is left and whoever does not refuse that goes on in the
 * same way, so does this, and coded->odd is set: more digits, as far as the
 * size is below 2^63; blanks behind a size; LF without CR behind a size (and
 * its blanks) or behind the data; anything but CR and LF in extensions.
 */
enum line_state coded_read(struct coded *coded, const uint8_t *bytes,
    size_t n, size_t *used);

#endif
