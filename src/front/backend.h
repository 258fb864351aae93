/* SPDX-License-Identifier: ISC */
#ifndef USHER_BACKEND_H
#define USHER_BACKEND_H

#include <stdbool.h>

#include "../common/hostname.h"
#include "../common/message.h"
#include "../common/refusal.h"
#include "ends.h"
#include "hosts.h"

/* May the client's socket itself be given to the tenant? */
enum handoff {
	HANDOFF_FIRST,		/* yes; if nobody listens for it, a -socket
				 * will do */
	HANDOFF_ASK,		/* not yet: say whether the host wants it */
	HANDOFF_ONLY,		/* yes, and nothing else will do */
	HANDOFF_OVER,		/* no: nobody listened for it */
	HANDOFF_NEVER		/* no: a relay has the connection */
};

/* What a client asked for, as far as it matters for where it goes. */
struct target {
	enum protocol		 protocol;
	const struct hostname	*name;		/* NULL: none given */
	bool			 acme;		/* ALPN acme-tls/1 alone */
	enum handoff		 handoff;
};

/* Where it goes. */
struct found {
	int		socket;		/* connected, the caller's; -1 where
					 * HANDOFF_ASK found a hand-off */
	bool		handoff;	/* it is a -handoff socket's */
	struct tenant	tenant;		/* the host's, once it was found */
	uid_t		trusted;	/* then: the owner of hosts/ */
	struct patience	patience;	/* cold: nothing is decided */
	struct absence	missing;	/* what else was found out, to be */
	struct listing	listing;	/* learnt (recall.h) */
	char		entry[HOSTNAME_MAX + 1]; /* of hosts/, or "" */
	struct place	place;		/* where it came to its end */
};

/*
 * Finds the tenant and connects to it.  The host's entries for an acme target
 * are acme-handoff and acme-socket where it has one of them, else those of the
 * protocol: its -handoff as far as the target allows it, else its -socket.
 * Where the host asks for a PROXY header on such a -socket, it has been sent
 * when this returns, before any other byte.  What it costs is bounded by a
 * small constant, whatever a tenant has in his directory.
 * Gives REFUSAL_NONE and what was found, or why not.
 *
 * Only with waits, which is for threads of their own, does it wait for a
 * tenant's directory; then it does not ask whether there is room for a hand-off
 * (handoff.h).  Without, found->patience.cold says that it would have had to:
 * nothing was done then, nobody was connected to, and what it gives says
 * nothing.
 */
enum refusal	backend_open(const struct target *target,
		    const struct ends *ends, bool waits, struct found *found);

#endif
