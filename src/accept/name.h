/* SPDX-License-Identifier: ISC */
#ifndef USHER_NAME_H
#define USHER_NAME_H

/*
 * The names to which hand-off listeners are bound.  The kernel keeps such a
 * name for as long as the socket lives, for whoever holds it, and so it holds
 * all that is to be known of a stand-in, a UNIX listener that took the place
 * of a TCP one: no table has to follow dup(2), fork(2), execve(2) and
 * SCM_RIGHTS.  Pure: no I/O.
 *
 *	.usher-4-PORT-ADDRESS-SCOPE-OWNER-UNIQUE-handoff
 *	.usher-6-PORT-ADDRESS-SCOPE-OWNER-UNIQUE-handoff
 *
 * PORT is decimal, the others hexadecimal; ADDRESS has 8 or 32 digits, in
 * network order; SCOPE is sin6_scope_id.
 */
#include <sys/types.h>

#include <limits.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* Together with "/proc/self/fd/2147483647/" it fits into sun_path. */
	NAME_BYTES = 82 + 1
};

/* What is asked of a listener's name. */
enum name_kind {
	NAME_OTHER,		/* no hand-off listener */
	NAME_HANDOFF,		/* a server's own: its name ends in -handoff */
	NAME_STANDIN		/* one that stands in for a TCP listener */
};

union name_address {
	struct sockaddr		any;
	struct sockaddr_in	in;
	struct sockaddr_in6	in6;
};

struct name {
	union name_address	address;	/* what was asked for */
	uid_t			owner;	/* of the directory; -1: nobody */
};

/* Does it end in "-handoff"? */
bool	name_is_handoff(const char *path);

/*
 * Looks at the last component of a path.  Fills in the name when it gives
 * NAME_STANDIN.
 */
enum name_kind	name_read(struct name *name, const char *path);

/* The other way round, with a number that makes it unique. */
void	name_write(char out[static NAME_BYTES], const struct name *name,
	    uint32_t unique);

/*
 * Where a server chooses the path itself, and is to appear there only once it
 * listens, its socket waits under a hidden name in the same directory:
 *
 *	.usher-new-UNIQUE-ENTRY		UNIQUE has eight digits
 *
 * Gives -1 where such a name is longer than a name may be.
 */
int	name_hide(char out[static NAME_MAX + 1], const char *entry,
	    uint32_t unique);

/* Takes that away again from the last component of a path, if it is there. */
bool	name_unhide(char *path);

/* Is it a name of this library's making that is not there to be seen? */
bool	name_is_hidden(const char *entry);

/* As accept(2) and getsockname(2) give one: cut off at *size, now its own. */
void	name_address_give(const union name_address *from,
	    struct sockaddr *address, socklen_t *size);

#endif
