/* SPDX-License-Identifier: ISC */
#ifndef USHER_FRAMING_H
#define USHER_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "field.h"

/*
 * The field lines of a response, read as they come, in pieces of any size, and
 * what those of them say that frame it: Content-Length, Transfer-Encoding and
 * Connection.  No line is kept: names and values are compared byte by byte
 * with the few words that matter.  Pure: no memory, no errno, no system call,
 * no changing statics.
 */
enum {
	FRAMING_VALUE_MAX = 256	/* bytes of the value of a field that frames,
				 * blanks around it included; no server is
				 * known to need a tenth of it */
};

enum framing_place {
	FRAMING_LINE,		/* a line begins */
	FRAMING_NAME,
	FRAMING_BEFORE,		/* blanks before an element of a value that
				 * frames */
	FRAMING_IN,		/* the element itself */
	FRAMING_BEHIND,		/* blanks behind it */
	FRAMING_OTHER,		/* a value that frames nothing */
	FRAMING_LF,		/* the LF that ends a line */
	FRAMING_END		/* the LF of the empty line */
};

struct framing {
	uint64_t	length;		/* Content-Length, if measured: below
					 * 2^63 */
	bool		measured;	/* Content-Length, once, digits only */
	bool		chunked;	/* Transfer-Encoding, once, nothing but
					 * chunked */
	bool		close;		/* Connection says close */
	bool		keep_alive;	/* Connection says keep-alive */
	bool		trailer;	/* these are trailers: */
	bool		trailed;	/* and there is one at least */
	/* The rest belongs to framing.c. */
	uint8_t		possible;	/* what the word can still become */
	uint8_t		matched;	/* its bytes so far, while it can
					 * become something */
	uint8_t		field;		/* what the value belongs to */
	uint16_t	value;		/* its bytes so far */
	enum framing_place place;
};

/* A head begins. */
void	framing_begin(struct framing *framing);

/* Trailers begin; what their head said stays. */
void	framing_trailers(struct framing *framing);

/*
 * bytes: the n that follow those of the call before.
 *
 * LINE_PART	all n were read, more must come
 * LINE_EMPTY	the lines end with byte *used, the LF of the empty line
 * LINE_BAD	byte *used is wrong: a line that begins with a blank (obs-fold)
 *		or has no name, a blank before the colon, a control character
 *		but HTAB in a value, CR or LF alone; in a value that frames,
 *		what is not the plainest form of it: for Content-Length one
 *		number of digits below 2^63, for Transfer-Encoding the one word
 *		chunked, for Connection a list of tokens, all without HTAB
 *		(nginx takes it for a part of a number); a second
 *		Content-Length or Transfer-Encoding, the same as the first one
 *		or not; more than FRAMING_VALUE_MAX bytes of such a value; and
 *		any of the three in a trailer.
 *
 * *used is n with LINE_PART.  After LINE_EMPTY and LINE_BAD one of
 * the two above comes first.  That both lengths are there is not judged here.
 */
enum line_state framing_read(struct framing *framing, const uint8_t *bytes,
    size_t n, size_t *used);

#endif
