/* SPDX-License-Identifier: ISC */
#ifndef USHER_REFUSAL_H
#define USHER_REFUSAL_H

#include <stdbool.h>

#include "hostname.h"
#include "message.h"

/*
 * Why a connection does not reach a tenant: one list for the parser that
 * says so, the front that decides it and the relay that answers.  A refusal
 * crosses process boundaries as a number and is checked with
 * refusal_answer() or refusal_said_by().
 */
enum refusal {
	REFUSAL_NONE,
	/* what the client sent */
	REFUSAL_NOT_HELLO,	/* first record is not a ClientHello */
	REFUSAL_OVERFLOW,	/* record over 2^14 */
	REFUSAL_MALFORMED,	/* breaks the protocol's grammar */
	REFUSAL_DISAGREE,	/* the two TLS engines differ (-T both) */
	REFUSAL_TRUNCATED,	/* end of file in the middle */
	REFUSAL_TOO_LARGE,	/* hello, head or number of fields over bound */
	REFUSAL_TIMEOUT,	/* not complete in time */
	REFUSAL_METHOD,		/* HTTP: CONNECT */
	REFUSAL_CODING,		/* HTTP: unknown transfer coding */
	REFUSAL_VERSION,	/* HTTP: any major version but 1 */
	/* whom the client asked for */
	REFUSAL_NO_NAME,	/* no name given, and no _nosni */
	/* not a legal host name, by what is wrong with it: the order is that
	 * of enum hostname_fault */
	REFUSAL_NAME_EMPTY,
	REFUSAL_NAME_LONG,
	REFUSAL_NAME_NOT_ASCII,
	REFUSAL_NAME_PORT,
	REFUSAL_NAME_UNDERSCORE,
	REFUSAL_NAME_CHARACTER,
	REFUSAL_NAME_EMPTY_LABEL,
	REFUSAL_NAME_LONG_LABEL,
	REFUSAL_NAME_HYPHEN,
	REFUSAL_NAME_DIGITS,
	REFUSAL_UNKNOWN,	/* no such host, and no _default */
	REFUSAL_NO_SOCKET,	/* the host has none for this protocol */
	REFUSAL_MISDIRECTED,	/* it takes whole connections only, and a
				 * relay has this one for another host */
	/* what the tenant did */
	REFUSAL_REFUSED,	/* nobody listens */
	REFUSAL_DENIED,		/* permissions */
	REFUSAL_BUSY,		/* backlog full */
	REFUSAL_UNPICKED,	/* too many hand-offs not picked up */
	REFUSAL_RACE,		/* his directory changes at every look */
	REFUSAL_NOT_SOCKET,	/* something else, or not a stream socket */
	REFUSAL_NOT_DIRECTORY,	/* a file where a host must be */
	REFUSAL_LINK_OUTSIDE,	/* a link that leads out of hosts/ */
	REFUSAL_LINK_FOREIGN,	/* a link to what another owns */
	REFUSAL_LINK_LOOP,	/* too many links, or too long a one */
	REFUSAL_FILE_SYSTEM,	/* another one is mounted there */
	REFUSAL_CROWDED,	/* too large a directory to be looked into */
	REFUSAL_PROXY_ROOM,	/* no room for the PROXY header */
	REFUSAL_UNREACHABLE,	/* another error of the system's */
	REFUSAL_NO_ANSWER,	/* HTTP: he took the connection, and ended it
				 * without a byte */
	/* ourselves */
	REFUSAL_HOSTS_OPEN,	/* anybody may write to hosts/ by now */
	REFUSAL_HOSTS_GONE,	/* hosts/ has been removed */
	REFUSAL_OVERLOAD,	/* out of descriptors or memory */
	REFUSAL_NO_RELAY,	/* all relays are full or down: no answer */
	REFUSAL_PARSER,		/* the parser died with it in hand */
	REFUSAL_COUNT
};

struct refusal_answer {
	const char	*word;		/* the reason code in the log */
	unsigned char	 alert;		/* TLS, RFC 8446 section 6 */
	unsigned short	 status;	/* HTTP, RFC 9110 section 15 */
	const char	*kind;		/* more about the reason, or NULL */
};

/* The reason for a name that has this fault, which is one. */
enum refusal refusal_of_name(enum hostname_fault fault);

/* The answer to give, or NULL for a number that is not in the list. */
const struct refusal_answer *refusal_answer(unsigned int refusal);
/* May a parser of this protocol give it as its reason?  All others are the
 * front's own. */
bool	refusal_said_by(unsigned int refusal, enum protocol protocol);

#endif
