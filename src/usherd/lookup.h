/* SPDX-License-Identifier: ISC */
#ifndef USHER_LOOKUP_H
#define USHER_LOOKUP_H

#include <sys/stat.h>

#include <stdbool.h>
#include <stddef.h>

#include "../common/refusal.h"
#include "place.h"

/*
 * Looking one name up below hosts/, component by component, with the promised
 * symbolic links followed by hand.  Whatever a tenant puts into his
 * directory, a look-up costs no more than LOOKUP_LINKS_MAX links of
 * LOOKUP_COMPONENTS_MAX components, so 9 names, each looked up once in a
 * directory that is small.
 */
enum {
	LOOKUP_LINKS_MAX = 2,
	LOOKUP_LINK_BYTES = 255,
	LOOKUP_COMPONENTS_MAX = 4,	/* of a link; "." and "..", for which
					 * nothing is looked up, not counted */
	LOOKUP_DEPTH_MAX = 24,		/* a host, its entry, a socket in that:
					 * each 7 levels, and hosts/ */
	/*
	 * A directory's lock is held while its entries are read, by whoever
	 * does that, and all who look for a name there wait.  Larger ones are
	 * not looked into: a directory of this size has some 1,500 entries
	 * (tmpfs has 20 bytes for each, ext4 some 30), for which the lock is
	 * held 1 ms of its CPU time.
	 */
	LOOKUP_DIRECTORY_MAX = 32 * 1024	/* st_size */
};

/* The directories from hosts/ down to one of them, all open. */
struct trail {
	int	fd[LOOKUP_DEPTH_MAX];
	bool	owned[LOOKUP_DEPTH_MAX];	/* to be closed with it */
	size_t	depth;				/* 1: hosts/ itself */
	char	text[PLACE_TEXT_MAX];		/* for people */
};

/* Begins with hosts/ itself, whose descriptor stays the caller's. */
void	trail_begin(struct trail *trail, int hosts);
int	trail_directory(const struct trail *trail);
void	trail_close(struct trail *trail);

/*
 * What was found, and the directories that lead to it: those that the look-up
 * went through are owned, the others still belong to the trail it began with,
 * which must outlive it.
 */
struct lookup {
	struct trail	trail;
	int		fd;		/* O_PATH; -1: none */
	struct stat	st;
	uid_t		entry_owner;	/* of what bears the name, be it a
					 * link */
	bool		linked;		/* a link was followed */
};

/*
 * Looks name, one component, up in the directory at the end of base.  A link
 * may lead anywhere in hosts/.  Where it leads out of the host's directory,
 * which is the one at depth home of base (0: no host yet, so that every link
 * does), it counts only if it is root's, belongs to trusted, the owner of
 * hosts/, or has the owner of what it leads to: else a tenant could have
 * usherd open with its rights what neither he nor a stranger may.
 *
 * Gives REFUSAL_NONE and *found, to be closed with lookup_close(), or why not.
 * place says where.  REFUSAL_NO_SOCKET: there is no such thing, or (when
 * found->linked) nothing where a link leads.
 */
enum refusal	lookup(const struct trail *base, size_t home,
		    const char *name, uid_t trusted, struct lookup *found,
		    struct place *place);
void		lookup_close(struct lookup *found);

/* What was found is a directory: the trail now ends there, and owns it. */
enum refusal	lookup_enter(struct lookup *found, const char *name,
		    struct place *place);

#endif
