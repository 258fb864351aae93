/* SPDX-License-Identifier: ISC */
#ifndef USHER_FIELD_H
#define USHER_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What request heads and trailers have in common: classes of bytes, one field
 * line, the elements of a list.  Pure: no memory, no errno, no system call.
 */
struct span {
	const uint8_t	*bytes;		/* points into what the caller gave */
	size_t		 n;
};

enum octet {
	OCTET_TOKEN = 1,	/* tchar, RFC 9110 section 5.6.2 */
	OCTET_VALUE = 2,	/* HTAB, SP, VCHAR, obs-text: section 5.5 */
	OCTET_TARGET = 4,	/* VCHAR but '#': no fragment ever reaches a
				 * server (haproxy CVE-2023-45539) */
	OCTET_NAME = 8		/* unreserved and sub-delims of RFC 3986, but
				 * no comma: it would read as a list of hosts */
};

/* The number of bytes at the start that are all of the class. */
size_t	octet_run(const uint8_t *bytes, size_t n, enum octet class);

bool	octet_digit(uint8_t c);
int	octet_hex(uint8_t c);		/* 0 to 15, or -1 */
uint8_t	octet_fold(uint8_t c);		/* A-Z as a-z */

/* Whether the span is the text, given in lower case; A-Z are folded. */
bool	span_is(const struct span *span, const char *text);

/* Whether two spans are alike; A-Z are folded. */
bool	span_equal(const struct span *a, const struct span *b);

/* What is found at the place where a line begins. */
enum line_state {
	LINE_WHOLE,		/* a line, legal, with its CRLF */
	LINE_EMPTY,		/* CRLF alone */
	LINE_PART,		/* legal so far, more must come */
	LINE_BAD
};

struct field {
	struct span	name;
	struct span	value;	/* without the blanks around it */
	size_t		line;	/* bytes of the line, CRLF included */
};

/*
 * Reads one field line (RFC 9112 section 5) at the start of the n bytes.
 * field is set with LINE_WHOLE only.  Refused at the first byte that is wrong:
 * a line that begins with a blank (obs-fold), an empty name, a blank before
 * the colon, a control character but HTAB, CR or LF alone.
 */
enum line_state field_read(struct field *field, const uint8_t *bytes,
    size_t n);

enum list_state {
	LIST_TOKEN,		/* *token is the next element */
	LIST_END,		/* there are no more */
	LIST_BAD		/* no list of tokens */
};

/*
 * Takes the next token of a list (RFC 9110 section 5.6.1.2: empty elements are
 * skipped) off the front of rest.
 */
enum list_state list_next(struct span *rest, struct span *token);

#endif
