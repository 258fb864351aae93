/* SPDX-License-Identifier: ISC */
#ifndef USHER_CHUNKS_H
#define USHER_CHUNKS_H

#include <stddef.h>
#include <stdint.h>

/*
 * The walk along a chunked body (RFC 9112 section 7.1), for a caller that can
 * see only some bytes ahead and passes them on in grants.  Zero it at the end
 * of the head.
 */
enum chunks_due {
	DUE_SIZE,		/* a size line */
	DUE_CRLF,		/* the CRLF behind a chunk's data */
	DUE_TRAILER		/* a trailer, or the empty line at the end */
};

struct chunks {
	enum chunks_due	due;		/* what stands behind the last grant */
	unsigned	fields;		/* trailer fields granted so far */
	size_t		trailer_bytes;	/* and their bytes */
};

enum chunks_state {
	CHUNKS_GRANT,		/* *grant bytes, 1 or more, may pass; the
				 * body goes on after them */
	CHUNKS_END,		/* *grant bytes may pass and the message ends
				 * with them */
	CHUNKS_PART,		/* more must come before anything can pass */
	CHUNKS_BAD		/* 400: the framing is broken */
};

/*
 * bytes: the n bytes that follow what has been granted so far, from the first
 * one on.  A call grants as much as it can:
 *
 * - A size line passes only when it is whole and legal, and with it all the
 *   data that it announces: data may pass unseen, so that a grant can reach
 *   far beyond n, but never beyond the last byte of data.
 * - The CRLF behind the data passes only when both its bytes have been seen.
 *   It does not wait for the next size line: a client may wait for an answer
 *   before it sends that.
 * - A trailer passes when its line is whole and legal, the empty line at the
 *   end likewise, and that is CHUNKS_END.
 *
 * So no byte of framing passes before it has been read, however the bytes
 * come.  *grant is at most n + 2^63 - 1, and 0 with CHUNKS_PART and
 * CHUNKS_BAD; nothing more may be asked after CHUNKS_END and CHUNKS_BAD.
 * CHUNKS_PART can last until 4096 bytes of a size line or 32 KiB of a trailer
 * line are visible at once: more is CHUNKS_BAD.
 *
 * A size has 1 to 16 hex digits and stays below 2^63.  Extensions are allowed
 * as far as the grammar goes, within 4096 bytes a size line.  Trailers have
 * the syntax and the bounds of a head (REQUEST_HEAD_MAX, REQUEST_FIELDS_MAX);
 * Content-Length, Transfer-Encoding and Host are refused among them.
 */
enum chunks_state chunks_walk(struct chunks *chunks, const uint8_t *bytes,
    size_t n, uint64_t *grant);

#endif
