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
 *		TLS parser			HTTP parser
 * NAMED	name, acme, unlimited		name, kept, partial, pipelined,
 *						any grant but 0
 * NAMELESS	acme, unlimited			the same without a name
 * MORE		never				kept, partial, pipelined,
 *						a limited grant but 0
 * REFUSED	reasons of TLS			reasons of HTTP, pipelined
 * GONE		nothing				nothing
 *
 * What is not named there is 0, and a name is all NUL.  partial goes with
 * kept only, an unlimited grant without kept only, and pipelined is never
 * said of a first request.
 */
struct verdict_context {
	enum protocol	 protocol;
	bool		 first;		/* nothing was said about it so far */
	bool		 asked;		/* to look, and no verdict came since */
	bool		 dropped;	/* INTAKE_DROP was said */
	bool		 partial;	/* what was granted is a part of a
					 * request */
};

/* May a parser say this about a connection of its own?  A name that passes is
 * one that hostname_check() passes. */
bool	rules_verdict(const struct verdict *verdict,
	    const struct verdict_context *context);

/* VERDICT_READY and VERDICT_PONG: nothing else is in it. */
bool	rules_blank(const struct verdict *verdict);

/* May a relay of this protocol, with so many connections in its hands, say
 * this?  Whether it holds that id is the caller's question. */
bool	rules_report(const struct report *report, enum protocol protocol,
	    unsigned int load);

#endif
