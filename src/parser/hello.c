/* SPDX-License-Identifier: ISC */
/*
 * The ClientHello (RFC 8446 section 4.1.2), read where it lies, with a cursor
 * that steps over record headers wherever they cut it.
 *
 * Every field is read out of the one that encloses it: `left` is what is left
 * of the encloser, and no length is believed before it was compared with it.
 */
#include <string.h>

#include "hello.h"

enum {
	RECORD_HEADER = 5,
	MESSAGE_HEADER = 4,
	VERSION_MAJOR = 3,
	RANDOM_SIZE = 32,
	SESSION_ID_MAX = 32,
	EXTENSION_SERVER_NAME = 0,	/* RFC 6066 section 3 */
	EXTENSION_ALPN = 16,		/* RFC 7301 section 3.1 */
	NAME_HOST = 0,
	NAME_KEPT = HOSTNAME_MAX + 1,	/* a legal one and its trailing dot */
	ACME_SIZE = 10
};

static const char acme[ACME_SIZE + 1] = "acme-tls/1";	/* RFC 8737 */

struct cursor {
	const uint8_t	*at;
	size_t		 piece;		/* bytes at hand in this record */
	size_t		 rest;		/* bytes of the flight behind them */
};

struct finding {
	bool	server_name;		/* the extension was there */
	bool	alpn;			/* and this one */
	bool	acme;			/* ALPN is acme-tls/1 and no more */
	size_t	name_size;
	uint8_t	name[NAME_KEPT];	/* so far; the rest is skipped */
};

/* Makes piece 1 or more.  Gives -1 when the flight is at its end. */
static int
cursor_fill(struct cursor *cursor)
{
	size_t length;

	while (cursor->piece == 0) {
		if (cursor->rest < RECORD_HEADER)
			return -1;
		length = (size_t)cursor->at[3] << 8 | cursor->at[4];
		cursor->at += RECORD_HEADER;
		cursor->rest -= RECORD_HEADER;
		/* the flight ends with the hello, maybe within a record */
		if (length > cursor->rest)
			length = cursor->rest;
		cursor->piece = length;
		cursor->rest -= length;
	}
	return 0;
}

static int
skip(struct cursor *cursor, size_t *left, size_t n)
{
	size_t part;

	if (n > *left)
		return -1;
	*left -= n;
	while (n > 0) {
		if (cursor_fill(cursor) == -1)
			return -1;
		part = n < cursor->piece ? n : cursor->piece;
		cursor->at += part;
		cursor->piece -= part;
		n -= part;
	}
	return 0;
}

static int
copy(struct cursor *cursor, size_t *left, uint8_t *out, size_t n)
{
	size_t part;

	if (n > *left)
		return -1;
	while (n > 0) {
		if (cursor_fill(cursor) == -1)
			return -1;
		part = n < cursor->piece ? n : cursor->piece;
		memcpy(out, cursor->at, part);
		if (skip(cursor, left, part) == -1)
			return -1;
		out += part;
		n -= part;
	}
	return 0;
}

static int
number(struct cursor *cursor, size_t *left, size_t width, size_t *value)
{
	if (width > *left)
		return -1;
	*left -= width;
	*value = 0;
	while (width-- > 0) {
		if (cursor->piece == 0 && cursor_fill(cursor) == -1)
			return -1;
		*value = *value << 8 | *cursor->at++;
		cursor->piece--;
	}
	return 0;
}

/*
 * Begins a field whose length stands before it in width bytes: the length is
 * taken off the encloser's left and becomes *inner.
 */
static int
begin(struct cursor *cursor, size_t *left, size_t width, size_t *inner)
{
	if (number(cursor, left, width, inner) == -1)
		return -1;
	if (*inner > *left)
		return -1;
	*left -= *inner;
	return 0;
}

/*
 * RFC 6066 allows a list with one name of each type, and has defined one type;
 * OpenSSL takes nothing but a list of exactly one host_name, and so do we: two
 * names are a question which of them the tenant would believe.
 */
static int
server_name(struct cursor *cursor, size_t left, struct finding *finding)
{
	size_t list, type, size, kept;

	if (finding->server_name)
		return -1;
	finding->server_name = true;
	if (begin(cursor, &left, 2, &list) == -1 || left != 0)
		return -1;
	if (number(cursor, &list, 1, &type) == -1 || type != NAME_HOST)
		return -1;
	if (begin(cursor, &list, 2, &size) == -1 || list != 0)
		return -1;
	if (size == 0)
		return -1;
	finding->name_size = size;
	kept = size < NAME_KEPT ? size : NAME_KEPT;
	if (copy(cursor, &size, finding->name, kept) == -1)
		return -1;
	return skip(cursor, &size, size);
}

static int
alpn(struct cursor *cursor, size_t left, struct finding *finding)
{
	uint8_t	bytes[ACME_SIZE];
	size_t	list, size, protocols = 0;

	if (finding->alpn)
		return -1;
	finding->alpn = true;
	if (begin(cursor, &left, 2, &list) == -1 || left != 0)
		return -1;
	if (list == 0)
		return -1;
	for (; list > 0; protocols++) {
		if (begin(cursor, &list, 1, &size) == -1 || size == 0)
			return -1;
		if (size == ACME_SIZE) {
			if (copy(cursor, &size, bytes, ACME_SIZE) == -1)
				return -1;
			finding->acme = memcmp(bytes, acme, ACME_SIZE) == 0;
		} else if (skip(cursor, &size, size) == -1)
			return -1;
	}
	if (protocols != 1)
		finding->acme = false;
	return 0;
}

static int
extensions(struct cursor *cursor, size_t left, struct finding *finding)
{
	size_t type, size;
	int    result;

	while (left > 0) {
		if (number(cursor, &left, 2, &type) == -1)
			return -1;
		if (begin(cursor, &left, 2, &size) == -1)
			return -1;
		if (type == EXTENSION_SERVER_NAME)
			result = server_name(cursor, size, finding);
		else if (type == EXTENSION_ALPN)
			result = alpn(cursor, size, finding);
		else
			result = skip(cursor, &size, size);
		if (result == -1)
			return -1;
	}
	return 0;
}

/* What stands before the extensions; none of it matters to us. */
static int
preamble(struct cursor *cursor, size_t *left)
{
	size_t major, size;

	if (number(cursor, left, 1, &major) == -1 || major != VERSION_MAJOR)
		return -1;
	if (skip(cursor, left, 1 + RANDOM_SIZE) == -1)
		return -1;
	if (begin(cursor, left, 1, &size) == -1 || size > SESSION_ID_MAX)
		return -1;
	if (skip(cursor, &size, size) == -1)
		return -1;
	/* cipher suites are 2 bytes each */
	if (begin(cursor, left, 2, &size) == -1 || size < 2 || size % 2 != 0)
		return -1;
	if (skip(cursor, &size, size) == -1)
		return -1;
	/* compression methods */
	if (begin(cursor, left, 1, &size) == -1 || size < 1)
		return -1;
	return skip(cursor, &size, size);
}

static int
message(struct cursor *cursor, struct finding *finding)
{
	size_t header = MESSAGE_HEADER, left, size;

	/* the type was looked at by flight_measure() */
	if (skip(cursor, &header, 1) == -1)
		return -1;
	if (number(cursor, &header, 3, &left) == -1)
		return -1;
	if (preamble(cursor, &left) == -1)
		return -1;
	if (left == 0)
		return 0;	/* before TLS 1.2 there may be no extensions */
	if (begin(cursor, &left, 2, &size) == -1 || left != 0)
		return -1;
	return extensions(cursor, size, finding);
}

enum hello_kind
hello_cursor(const uint8_t *bytes, size_t n, struct hello *hello)
{
	struct cursor  cursor;
	struct finding finding;

	memset(hello, 0, sizeof(*hello));
	memset(&finding, 0, sizeof(finding));
	cursor.at = bytes;
	cursor.piece = 0;
	cursor.rest = n;
	if (message(&cursor, &finding) == -1)
		return HELLO_MALFORMED;
	hello->acme = finding.acme;
	if (!finding.server_name)
		return HELLO_NAMELESS;
	if (finding.name_size > NAME_KEPT)
		hello->fault = HOSTNAME_LONG;
	else if (hostname_parse(&hello->name, finding.name,
	    finding.name_size) == -1)
		hello->fault = hostname_fault(finding.name,
		    finding.name_size);
	return hello->fault == HOSTNAME_NO_FAULT ? HELLO_NAMED :
	    HELLO_BAD_NAME;
}
