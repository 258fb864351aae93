/* SPDX-License-Identifier: ISC */
#ifndef USHER_REFUSAL_H
#define USHER_REFUSAL_H

/*
 * Why a connection does not reach a tenant: one list for the parser that
 * says so, the parent that logs it and the relay that answers.  A refusal
 * crosses process boundaries as a number and is checked with refusal_known().
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
	REFUSAL_BAD_NAME,	/* not a legal host name */
	REFUSAL_UNKNOWN,	/* no such host, and no _default */
	REFUSAL_NO_SOCKET,	/* the host has none for this protocol */
	REFUSAL_MISDIRECTED,	/* it takes whole connections only, and a
				 * relay has this one for another host */
	/* what the tenant did */
	REFUSAL_REFUSED,	/* nobody listens */
	REFUSAL_DENIED,		/* permissions */
	REFUSAL_BUSY,		/* backlog full */
	REFUSAL_UNPICKED,	/* too many hand-offs not picked up */
	REFUSAL_UNREACHABLE,	/* not a stream socket, link out of hosts/ */
	/* ourselves */
	REFUSAL_OVERLOAD,	/* out of descriptors or memory */
	REFUSAL_PARSER,		/* the parser died with it in hand */
	REFUSAL_COUNT
};

struct refusal_answer {
	const char	*word;		/* the reason code in the log */
	unsigned char	 alert;		/* TLS, RFC 8446 section 6 */
	unsigned short	 status;	/* HTTP, RFC 9110 section 15 */
};

/* The answer to give, or NULL for a number that is not in the list. */
const struct refusal_answer *refusal_answer(unsigned int refusal);

#endif
