/* SPDX-License-Identifier: ISC */
/*
 * How far a first flight has come.  Everything that is told early is told
 * from a lower bound: a length of which only the first bytes are there
 * counts with zeros for the rest.
 */
#include <string.h>

#include "flight.h"

enum {
	RECORD_HEADER = 5,
	RECORD_MAX = 16384,		/* RFC 8446 section 5.1 */
	RECORD_HANDSHAKE = 22,
	RECORD_MAJOR = 3,
	MESSAGE_HEADER = 4,
	MESSAGE_CLIENT_HELLO = 1
};

struct message {
	uint8_t	header[MESSAGE_HEADER];	/* as far as seen, then zeros */
	size_t	seen;			/* bytes, header included */
	size_t	size;			/* no less than so many, in all */
};

/*
 * WHOLE when the record header is there and legal, with its length; PART when
 * the n bytes that are there are legal.
 */
static enum flight_state
record_header(const uint8_t *bytes, size_t n, size_t *length)
{
	*length = 0;
	if (n > 0 && bytes[0] != RECORD_HANDSHAKE)
		return FLIGHT_NOT_HELLO;
	if (n > 1 && bytes[1] != RECORD_MAJOR)
		return FLIGHT_NOT_HELLO;
	if (n > 3)
		*length = (size_t)bytes[3] << 8;
	if (n > 4)
		*length |= bytes[4];
	if (*length > RECORD_MAX)
		return FLIGHT_OVERFLOW;
	if (n < RECORD_HEADER)
		return FLIGHT_PART;
	if (*length == 0)
		return FLIGHT_MALFORMED;
	return FLIGHT_WHOLE;
}

/* Takes n more bytes of the message into account.  Gives 0, -1: no hello. */
static int
message_add(struct message *message, const uint8_t *bytes, size_t n)
{
	uint8_t *header = message->header;

	while (message->seen < MESSAGE_HEADER && n > 0) {
		header[message->seen++] = *bytes++;
		n--;
	}
	message->seen += n;
	message->size = MESSAGE_HEADER + ((size_t)header[1] << 16) +
	    ((size_t)header[2] << 8) + header[3];
	if (message->seen > 0 && header[0] != MESSAGE_CLIENT_HELLO)
		return -1;
	return 0;
}

/*
 * How much lacks at least when record more bytes are to come in the present
 * record: at best the client fills each further one to the brim.
 */
static size_t
message_missing(const struct message *message, size_t record)
{
	size_t left = message->size - message->seen;
	size_t beyond = left > record ? left - record : 0;
	size_t records = (beyond + RECORD_MAX - 1) / RECORD_MAX;

	return left + records * RECORD_HEADER;
}

enum flight_state
flight_measure(const uint8_t *bytes, size_t n, struct flight *flight)
{
	struct message	  message;
	enum flight_state state;
	size_t		  at = 0, length, part;
	size_t		  missing = RECORD_HEADER + MESSAGE_HEADER;

	memset(flight, 0, sizeof(*flight));
	memset(&message, 0, sizeof(message));
	if (n > FLIGHT_MAX)
		n = FLIGHT_MAX;
	while (at < n) {
		state = record_header(bytes + at, n - at, &length);
		if (state == FLIGHT_PART) {
			flight->missing = missing - (n - at);
			return FLIGHT_PART;
		}
		if (state != FLIGHT_WHOLE)
			return state;
		at += RECORD_HEADER;
		part = length < n - at ? length : n - at;
		if (message_add(&message, bytes + at, part) == -1)
			return FLIGHT_NOT_HELLO;
		at += part;
		/* size counts at least the header: it is whole by then */
		if (message.seen >= message.size) {
			flight->size = at - (message.seen - message.size);
			return FLIGHT_WHOLE;
		}
		/* now, not at the end: a verdict once told must not change
		 * with what follows */
		missing = message_missing(&message, length - part);
		if (missing > FLIGHT_MAX - at)
			return FLIGHT_TOO_LONG;
	}
	flight->missing = missing;
	return FLIGHT_PART;
}
