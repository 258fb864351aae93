/* SPDX-License-Identifier: ISC */
#ifndef USHER_REQUEST_H
#define USHER_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../common/hostname.h"

/*
 * An HTTP/1.1 request head, read strictly (RFC 9112), and the length of the
 * message that it begins.  Pure: no memory, no errno, no system call, no
 * changing statics.
 */
enum {
	REQUEST_HEAD_MAX = 32 * 1024,	/* bytes, empty lines before the
					 * request line included */
	REQUEST_FIELDS_MAX = 100
};

enum request_state {
	REQUEST_WHOLE,		/* the head is there to its last byte, legal */
	REQUEST_PART,		/* legal so far, more must come */
	REQUEST_BAD,		/* 400: breaks RFC 9112 or is ambiguous */
	REQUEST_CONNECT,	/* 405: method CONNECT */
	REQUEST_TOO_LARGE,	/* 431: head or number of fields over bound */
	REQUEST_CODING,		/* 501: a transfer coding other than chunked */
	REQUEST_VERSION		/* 505: HTTP/2 preface, any major but 1 */
};

enum request_target {
	TARGET_NAMED,		/* Host is a legal host name */
	TARGET_NAMELESS,	/* Host is empty or an IP address, or HTTP/1.0
				 * without Host */
	TARGET_BAD_NAME		/* legal by RFC 3986, no host name for us
				 * (underscore, label over 63 bytes, ...) */
};

enum request_body {
	BODY_NONE,		/* the message is the head alone */
	BODY_LENGTH,		/* length bytes follow the head */
	BODY_CHUNKED,		/* chunks follow: see struct chunks */
	BODY_TUNNEL		/* Upgrade asked for: all that follows belongs
				 * to the same tenant, without end */
};

struct request {
	enum request_target	target;
	struct hostname		name;	/* TARGET_NAMED: the name */
	enum hostname_fault	fault;	/* TARGET_BAD_NAME: what is wrong */
	size_t			head;	/* bytes of the head, CRLF before the
					 * request line and the empty line at
					 * its end included */
	enum request_body	body;
	uint64_t		length;	/* BODY_LENGTH: 1 to 2^63 - 1 */
	bool			last;	/* no request may follow: HTTP/1.0
					 * without keep-alive, or
					 * Connection: close */
};

/*
 * bytes: what the client has sent so far, from the start of the request, n of
 * them.  request is set when the state is REQUEST_WHOLE, all zero otherwise.
 * An error is told as soon as its bytes are there.
 */
enum request_state request_parse(const uint8_t *bytes, size_t n,
    struct request *request);

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
