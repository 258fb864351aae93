/* SPDX-License-Identifier: ISC */
#include <stddef.h>

#include "refusal.h"

/* TLS alerts, RFC 8446 section 6. */
enum {
	UNEXPECTED_MESSAGE = 10,
	RECORD_OVERFLOW = 22,
	DECODE_ERROR = 50,
	INTERNAL_ERROR = 80,
	USER_CANCELED = 90,
	MISSING_EXTENSION = 109,
	UNRECOGNIZED_NAME = 112
};

/* An initializer, so that the table stays a constant. */
#define BAD_NAME(kind)	{ "bad-name", UNRECOGNIZED_NAME, 404, kind }

_Static_assert((int)REFUSAL_NAME_DIGITS - (int)REFUSAL_NAME_EMPTY ==
    (int)HOSTNAME_DIGITS - (int)HOSTNAME_EMPTY &&
    (int)HOSTNAME_FAULTS == (int)HOSTNAME_DIGITS + 1,
    "the faults of names are in one order");

static const struct refusal_answer answers[REFUSAL_COUNT] = {
	[REFUSAL_NOT_HELLO] = { "not-hello", UNEXPECTED_MESSAGE, 400, NULL },
	[REFUSAL_OVERFLOW] = { "record-overflow", RECORD_OVERFLOW, 400, NULL },
	[REFUSAL_MALFORMED] = { "malformed", DECODE_ERROR, 400, NULL },
	[REFUSAL_DISAGREE] = { "engines-disagree", DECODE_ERROR, 400, NULL },
	[REFUSAL_TRUNCATED] = { "truncated", DECODE_ERROR, 400, NULL },
	[REFUSAL_TOO_LARGE] = { "too-large", DECODE_ERROR, 431, NULL },
	[REFUSAL_TIMEOUT] = { "timeout", USER_CANCELED, 408, NULL },
	[REFUSAL_METHOD] = { "connect", UNEXPECTED_MESSAGE, 405, NULL },
	[REFUSAL_CODING] = { "coding", UNEXPECTED_MESSAGE, 501, NULL },
	[REFUSAL_VERSION] = { "version", UNEXPECTED_MESSAGE, 505, NULL },
	[REFUSAL_NO_NAME] = { "no-name", MISSING_EXTENSION, 404, NULL },
	[REFUSAL_NAME_EMPTY] = BAD_NAME("empty"),
	[REFUSAL_NAME_LONG] = BAD_NAME("long"),
	[REFUSAL_NAME_NOT_ASCII] = BAD_NAME("not-ascii"),
	[REFUSAL_NAME_PORT] = BAD_NAME("colon"),
	[REFUSAL_NAME_UNDERSCORE] = BAD_NAME("underscore"),
	[REFUSAL_NAME_CHARACTER] = BAD_NAME("character"),
	[REFUSAL_NAME_EMPTY_LABEL] = BAD_NAME("empty-label"),
	[REFUSAL_NAME_LONG_LABEL] = BAD_NAME("long-label"),
	[REFUSAL_NAME_HYPHEN] = BAD_NAME("hyphen"),
	[REFUSAL_NAME_DIGITS] = BAD_NAME("digits"),
	[REFUSAL_UNKNOWN] = { "unknown-host", UNRECOGNIZED_NAME, 404, NULL },
	[REFUSAL_NO_SOCKET] = { "no-socket", UNRECOGNIZED_NAME, 404, NULL },
	[REFUSAL_MISDIRECTED] = { "misdirected", INTERNAL_ERROR, 421, NULL },
	[REFUSAL_REFUSED] = { "refused", INTERNAL_ERROR, 503, NULL },
	[REFUSAL_DENIED] = { "denied", INTERNAL_ERROR, 503, NULL },
	[REFUSAL_BUSY] = { "backlog-full", INTERNAL_ERROR, 503, NULL },
	[REFUSAL_UNPICKED] = { "not-picked-up", INTERNAL_ERROR, 503, NULL },
	[REFUSAL_RACE] = { "busy", INTERNAL_ERROR, 503, NULL },
	[REFUSAL_NOT_SOCKET] = { "not-a-socket", INTERNAL_ERROR, 502, NULL },
	[REFUSAL_NOT_DIRECTORY] = { "not-a-directory", INTERNAL_ERROR, 502,
	    NULL },
	[REFUSAL_LINK_OUTSIDE] = { "link-outside", INTERNAL_ERROR, 502, NULL },
	[REFUSAL_LINK_FOREIGN] = { "link-foreign", INTERNAL_ERROR, 502, NULL },
	[REFUSAL_LINK_LOOP] = { "link-loop", INTERNAL_ERROR, 502, NULL },
	[REFUSAL_FILE_SYSTEM] = { "other-filesystem", INTERNAL_ERROR, 502,
	    NULL },
	[REFUSAL_CROWDED] = { "directory-large", INTERNAL_ERROR, 502, NULL },
	[REFUSAL_PROXY_ROOM] = { "no-proxy-room", INTERNAL_ERROR, 502, NULL },
	[REFUSAL_UNREACHABLE] = { "unreachable", INTERNAL_ERROR, 502, NULL },
	[REFUSAL_NO_ANSWER] = { "no-answer", INTERNAL_ERROR, 502, NULL },
	[REFUSAL_HOSTS_OPEN] = { "hosts-writable", INTERNAL_ERROR, 503, NULL },
	[REFUSAL_HOSTS_GONE] = { "hosts-removed", INTERNAL_ERROR, 503, NULL },
	[REFUSAL_OVERLOAD] = { "overload", INTERNAL_ERROR, 503, NULL },
	[REFUSAL_NO_RELAY] = { "no-relay", INTERNAL_ERROR, 503, NULL },
	[REFUSAL_PARSER] = { "parser-died", INTERNAL_ERROR, 503, NULL },
};

/* Which parsers may say so. */
enum {
	TLS = 1 << PROTOCOL_TLS,
	HTTP = 1 << PROTOCOL_HTTP
};

static const unsigned char said_by[REFUSAL_COUNT] = {
	[REFUSAL_NOT_HELLO] = TLS,
	[REFUSAL_OVERFLOW] = TLS,
	[REFUSAL_MALFORMED] = TLS | HTTP,
	[REFUSAL_DISAGREE] = TLS,
	[REFUSAL_TRUNCATED] = TLS | HTTP,
	[REFUSAL_TOO_LARGE] = TLS | HTTP,
	[REFUSAL_TIMEOUT] = TLS | HTTP,
	[REFUSAL_METHOD] = HTTP,
	[REFUSAL_CODING] = HTTP,
	[REFUSAL_VERSION] = HTTP,
	[REFUSAL_NAME_EMPTY] = TLS | HTTP,
	[REFUSAL_NAME_LONG] = TLS | HTTP,
	[REFUSAL_NAME_NOT_ASCII] = TLS | HTTP,
	[REFUSAL_NAME_PORT] = TLS | HTTP,
	[REFUSAL_NAME_UNDERSCORE] = TLS | HTTP,
	[REFUSAL_NAME_CHARACTER] = TLS | HTTP,
	[REFUSAL_NAME_EMPTY_LABEL] = TLS | HTTP,
	[REFUSAL_NAME_LONG_LABEL] = TLS | HTTP,
	[REFUSAL_NAME_HYPHEN] = TLS | HTTP,
	[REFUSAL_NAME_DIGITS] = TLS | HTTP,
	[REFUSAL_NO_ANSWER] = HTTP,
	[REFUSAL_OVERLOAD] = TLS | HTTP
};

const struct refusal_answer *
refusal_answer(unsigned int refusal)
{
	if (refusal == REFUSAL_NONE || refusal >= REFUSAL_COUNT)
		return NULL;
	return &answers[refusal];
}

enum refusal
refusal_of_name(enum hostname_fault fault)
{
	return (enum refusal)(REFUSAL_NAME_EMPTY + (fault - HOSTNAME_EMPTY));
}

bool
refusal_said_by(unsigned int refusal, enum protocol protocol)
{
	return refusal < REFUSAL_COUNT &&
	    (said_by[refusal] & 1U << protocol) != 0;
}
