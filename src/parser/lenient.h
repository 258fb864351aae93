/* SPDX-License-Identifier: ISC */
#ifndef USHER_LENIENT_H
#define USHER_LENIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "field.h"

/*
 * The head of a response as the most lenient of clients might read it, byte by
 * byte, by a state of constant size: where it ends, and each length that
 * anybody might find in it.  Where clients differ, all that any of them may
 * see is collected.  What passes the strict grammar of response.c and
 * framing.c gives the same here.  Pure: no memory, no errno, no system call,
 * no changing statics.
 */
#define LENIENT_NONE	UINT64_MAX

enum lenient_place {
	LENIENT_BEFORE,		/* before the protocol's first letter */
	LENIENT_PROTOCOL,
	LENIENT_BLANKS,		/* before the status */
	LENIENT_STATUS,
	LENIENT_LINE,		/* a line begins */
	LENIENT_NAME,
	LENIENT_VALUE,		/* or the rest of any line */
	LENIENT_CR,		/* behind a CR that may end a line */
	LENIENT_EMPTY		/* behind a CR that begins one */
};

enum lenient_number {
	LENIENT_BEGINS,		/* a digit begins a number */
	LENIENT_DIGITS,
	LENIENT_WORD		/* it does not */
};

struct lenient {
	uint64_t	length;		/* the smallest one, below 2^63, or
					 * LENIENT_NONE */
	uint16_t	status;		/* the first three digits of it */
	bool		chunked;	/* a coding mentions it */
	bool		torn;		/* not all see the same status or the
					 * same end of the head */
	/* The rest belongs to lenient.c. */
	uint64_t	number;
	uint8_t		matched[2];	/* bytes of the two names */
	uint8_t		word;		/* bytes of chunked */
	uint8_t		fields;		/* what the value belongs to: a set */
	uint8_t		run;		/* bytes of the protocol or status */
	enum lenient_number state;
	enum lenient_place place;
};

/* A head begins with its status line. */
void	lenient_begin(struct lenient *lenient);

/* Trailers begin; what their head said stays. */
void	lenient_trailers(struct lenient *lenient);

/*
 * bytes: the n that follow those of the call before.
 *
 * LINE_PART	all n were read, more must come
 * LINE_EMPTY	the head or the trailers end with byte *used: the LF of an
 *		empty line, with or without its CR; or, if torn, a byte behind
 *		a CR at the start of a line that is no LF (curl sees the end
 *		in such a line)
 * LINE_BAD	this is no head, which is known with byte *used: it does not
 *		begin with a letter (behind blanks and empty lines), at most 16
 *		bytes that are none, blanks, and a digit
 *
 * Lines end with LF, CRLF, more CRs than one, or a CR alone.  A name is
 * compared without what cannot be in one, blanks before it and behind it as
 * well.  A line behind a CR alone, or that begins with a blank, is the rest of
 * the value above and a field of its own, both.
 *
 * length: of each field that may be Content-Length, each number that is not
 * the rest of a word counts, so that signs, lists and lines folded in any way
 * give all that anybody could find in them.  A number of 2^63 or more is none.
 * chunked: any field that may be Transfer-Encoding has that word in it, or as
 * a part of a word, which nginx took for it until 1.23.
 */
enum line_state lenient_read(struct lenient *lenient, const uint8_t *bytes,
    size_t n, size_t *used);

/* The status has been read, and not all take it for an interim one. */
bool	lenient_final(const struct lenient *lenient);

#endif
