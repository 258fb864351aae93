/* SPDX-License-Identifier: ISC */
#ifndef USHER_RESPONSE_H
#define USHER_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coded.h"
#include "framing.h"
#include "lenient.h"

/*
 * Where a response ends (RFC 9112 section 6.3), read as it comes, in pieces of
 * any size, by a state of constant size: a tenant can send a head of any
 * length byte by byte, and no byte is looked at twice.  Pure: no memory, no
 * errno, no system call, no changing statics.
 *
 * A tenant may say what it likes.  What is not in the plainest form of its
 * grammar passes as well, up to the first end that any client may see; but
 * only where every client must see the same end can another exchange follow.
 */
struct response_to {
	bool	head;		/* the method of the request is HEAD */
	bool	upgrade;	/* it asked for an upgrade, legally: Upgrade,
				 * Connection: upgrade, HTTP/1.1 */
	bool	http10;		/* it was of HTTP/1.0 */
};

enum response_state {
	RESPONSE_MORE,		/* *grant bytes may pass: all n that were read,
				 * and the data that they announced; what
				 * stands behind is to be read next */
	RESPONSE_END,		/* *grant bytes may pass and the response ends
				 * with them; they can be fewer than n, and
				 * more where data was announced */
	RESPONSE_LAST,		/* no client sees an end before that of the
				 * connection: all may pass, what follows too,
				 * and the connection ends with it */
	RESPONSE_TUNNEL		/* 101 to a request that asked for it: all may
				 * pass both ways, what follows too */
};

enum response_part {
	RESPONSE_STATUS,	/* the status line up to its reason */
	RESPONSE_REASON,
	RESPONSE_LF,		/* the LF that ends the line */
	RESPONSE_FIELDS,
	RESPONSE_CHUNKS,
	RESPONSE_TRAILER
};

/* Plain data of response.c's; it may be copied. */
struct response {
	struct response_to	to;
	struct framing		framing;
	struct lenient		lenient;
	struct coded		coded;
	uint64_t		left;		/* of a body with both lengths
						 * by the smaller, else
						 * LENIENT_NONE */
	enum response_part	part;
	uint16_t		status;
	uint8_t			matched;	/* bytes of the status line */
	bool			http10;		/* the response is */
	bool			begun;
	bool			final;
	bool			odd;		/* out of the grammar, or read
						 * in more ways than one */
};

void	response_begin(struct response *response, const struct response_to *to);

/*
 * bytes: the n that follow what has been granted so far.  The sum of all
 * grants up to the end, and the state there, are the same for every way in
 * which the bytes can come.  A grant is below n + 2^63; n may be 0.  With
 * RESPONSE_LAST and RESPONSE_TUNNEL *grant is what was read until that was
 * known.  After any state but RESPONSE_MORE response_begin() comes first.
 *
 * In strict grammar a head is one of HTTP/1.0 or 1.1 with a status of 100 to
 * 599 (a reason may be empty, but the space before it is there; see framing.h
 * and coded.h for the rest).  A head that is not is read on as the most lenient
 * of clients may read it (lenient.h), by the same rules, which are:
 *
 * - 204 or 304, or an answer to HEAD, or a 101 that nobody asked for (for which
 *   node and Java see that end), or where lenient.h calls the head torn: the
 *   end is behind the head, whatever length that gives
 * - no length and no chunked coding: RESPONSE_LAST
 * - a length alone: behind so many bytes, of several lengths the smallest
 * - chunked alone: behind the trailers
 * - both: at the chunks' end or behind so many bytes, whichever comes first
 * - chunks that coded.h cannot read on: behind the byte that breaks them.  Some
 *   clients go on from there, each in its own way, and where the first of them
 *   ends cannot be known.
 *
 * Any number of interim responses (1xx) may come before it.  An interim one
 * with a length, or to HEAD, is RESPONSE_LAST: nginx before 1.29 takes it for
 * final and sees an end there, all others go on to the final one.  Whoever
 * passes that on must know that both are ends that a client may see.
 *
 * What is no head at all, by lenient.h, is RESPONSE_LAST.  A 101 that was asked
 * for is RESPONSE_TUNNEL whatever else its head says, at the end of that head
 * or where it leaves the grammar.
 */
enum response_state response_read(struct response *response,
    const uint8_t *bytes, size_t n, uint64_t *grant);

/*
 * After RESPONSE_END: no other exchange may follow on the client's connection.
 * The response said `close`; or it or the request is of HTTP/1.0 and the
 * response did not say keep-alive; or it has trailers: Java's HttpClient (17)
 * takes the second byte behind the last chunk's line for the end; or not every
 * client must see that end: it has left the grammar anywhere, has both lengths,
 * is chunked or comes behind an interim response in HTTP/1.0, or is a 101.
 */
bool	response_last(const struct response *response);

/*
 * The status of a final response has been read: any but 1xx, or 101.  What
 * leaves the grammar before its status is taken for final.
 */
bool	response_final(const struct response *response);

/* After RESPONSE_LAST: some client may see an end all the same. */
bool	response_wary(const struct response *response);

/*
 * After RESPONSE_END: only some client may see that end, and others more of
 * the response behind it, if there is more.
 */
bool	response_doubtful(const struct response *response);

/* At least one byte has been read. */
bool	response_begun(const struct response *response);

#endif
