/* SPDX-License-Identifier: ISC */
#ifndef USHER_RULES_H
#define USHER_RULES_H

#include <stdbool.h>

#include "../common/message.h"

/*
 * What children may say: for every field of every record that comes to the
 * front, which values are legal from whom and when.  A child that says
 * anything else is killed.  Pure: no memory, no errno, no system call, no
 * changing statics.
 *
 *		TLS parser		HTTP parser
 * NAMED	name, acme		name, head
 * NAMELESS	acme			head
 * REFUSED	reasons of TLS		reasons of HTTP, head
 * GONE		nothing			nothing
 *
 * What is not named there is 0, and a name is all NUL.
 */

/* May a parser of this protocol say this about a connection?  Whether it is
 * its own, and what may be said now, is the caller's question.  A name that
 * passes is one that hostname_check() passes. */
bool	rules_verdict(const struct verdict *verdict, enum protocol protocol);

/* VERDICT_READY and VERDICT_PONG: nothing else is in it. */
bool	rules_blank(const struct verdict *verdict);

/*
 * May a relay of this protocol, with so many connections in its hands, say
 * this?  ENDED has an ending, id for HTTP only, and bytes; all else is 0.
 * Whether it holds that id is the caller's question.
 */
bool	rules_report(const struct report *report, enum protocol protocol,
	    unsigned int load);

#endif
