/* SPDX-License-Identifier: ISC */
#ifndef USHER_RECALL_H
#define USHER_RECALL_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "hosts_system.h"
#include "lookup.h"

/*
 * What is remembered of directories, so that their locks are not needed for
 * every connection: which entries a host does not have (some file systems,
 * tmpfs among them, do not cache that a name is not there), and which names a
 * directory of sockets has.  Only for as long as the directory has the same
 * times, and only if it had not changed for a while when it was asked: else a
 * change within the same tick of a coarse clock would be missed.  Whatever is
 * there is looked up for each connection all the same.
 *
 * For the loop alone, but for snapshot_take() and listing_make().
 */
struct snapshot {
	struct tenant	of;
	struct timespec	modified, changed;
	bool		settled;	/* a change will show in them */
};

struct absence {
	struct snapshot	at;
	unsigned int	entries;	/* a bit each: not there */
};

enum { LISTING_BYTES = 1024 };		/* some 60 names, each with a NUL */

struct listing {
	struct snapshot	at;
	size_t		size;
	char		names[LISTING_BYTES];
};

/* The directory as it is now.  Gives -1 with errno, and nothing that would
 * ever be remembered. */
int	snapshot_take(struct snapshot *now, int directory);

/* The entries that are not there: a bit for each. */
unsigned int absence_known(const struct snapshot *now);
/* absence->entries were looked up since absence->at, and are not there. */
void	absence_learn(const struct absence *absence);

/* Were these the names since then?  Too many are not remembered. */
void	listing_make(struct listing *listing, const struct snapshot *then,
	    const struct hosts_names *names);
/* Gives false when they are not known. */
bool	listing_known(const struct snapshot *now, struct hosts_names *names);
void	listing_learn(const struct listing *listing);

#endif
