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

static const struct refusal_answer answers[REFUSAL_COUNT] = {
	[REFUSAL_NOT_HELLO] = { "not-hello", UNEXPECTED_MESSAGE, 400 },
	[REFUSAL_OVERFLOW] = { "record-overflow", RECORD_OVERFLOW, 400 },
	[REFUSAL_MALFORMED] = { "malformed", DECODE_ERROR, 400 },
	[REFUSAL_DISAGREE] = { "engines-disagree", DECODE_ERROR, 400 },
	[REFUSAL_TRUNCATED] = { "truncated", DECODE_ERROR, 400 },
	[REFUSAL_TOO_LARGE] = { "too-large", DECODE_ERROR, 431 },
	[REFUSAL_TIMEOUT] = { "timeout", USER_CANCELED, 408 },
	[REFUSAL_METHOD] = { "connect", UNEXPECTED_MESSAGE, 405 },
	[REFUSAL_CODING] = { "coding", UNEXPECTED_MESSAGE, 501 },
	[REFUSAL_VERSION] = { "version", UNEXPECTED_MESSAGE, 505 },
	[REFUSAL_NO_NAME] = { "no-name", MISSING_EXTENSION, 404 },
	[REFUSAL_BAD_NAME] = { "bad-name", UNRECOGNIZED_NAME, 404 },
	[REFUSAL_UNKNOWN] = { "unknown-host", UNRECOGNIZED_NAME, 404 },
	[REFUSAL_NO_SOCKET] = { "no-socket", UNRECOGNIZED_NAME, 404 },
	[REFUSAL_MISDIRECTED] = { "misdirected", INTERNAL_ERROR, 421 },
	[REFUSAL_REFUSED] = { "refused", INTERNAL_ERROR, 503 },
	[REFUSAL_DENIED] = { "denied", INTERNAL_ERROR, 503 },
	[REFUSAL_BUSY] = { "backlog-full", INTERNAL_ERROR, 503 },
	[REFUSAL_UNPICKED] = { "not-picked-up", INTERNAL_ERROR, 503 },
	[REFUSAL_UNREACHABLE] = { "unreachable", INTERNAL_ERROR, 502 },
	[REFUSAL_OVERLOAD] = { "overload", INTERNAL_ERROR, 503 },
	[REFUSAL_PARSER] = { "parser-died", INTERNAL_ERROR, 503 },
};

const struct refusal_answer *
refusal_answer(unsigned int refusal)
{
	if (refusal == REFUSAL_NONE || refusal >= REFUSAL_COUNT)
		return NULL;
	return &answers[refusal];
}
