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

/*
 * Who is behind a directory: whatever names lead there, and who owns it.
 */
struct tenant {
	dev_t	device;
	ino_t	directory;
	uid_t	owner;
};

/*
 * What is not in the system's cache of names has to be asked of a directory,
 * whose lock its tenant can hold for ever.  The loop never waits for that: its
 * look-ups end as cold then, nothing further is looked up, and all of it is
 * done anew by a thread that can wait (query.h).  hosts/ itself is the
 * administrator's, so that names right in it are waited for.
 */
struct patience {
	bool		waits;
	bool		cold;	/* would have had to wait, and here: */
	struct tenant	at;
};

/* The directories from hosts/ down to one of them, all open. */
struct trail {
	int	fd[LOOKUP_DEPTH_MAX];
	bool	owned[LOOKUP_DEPTH_MAX];	/* to be closed with it */
	size_t	depth;				/* 1: hosts/ itself */
	char	text[PLACE_TEXT_MAX];		/* for people */
	struct patience *patience;		/* of all who share it */
	size_t	above[LOOKUP_DEPTH_MAX];	/* bytes of text without it */
};

/* Begins with hosts/ itself, whose descriptor stays the caller's. */
void	trail_begin(struct trail *trail, int hosts,
	    struct patience *patience);
/* hosts_entry() of the last directory, with the patience that there is.
 * Gives -1 with errno: EAGAIN when that is cold. */
int	trail_entry(const struct trail *trail, const char *name);
/* May its names be listed, for which it is always waited?  If not, this is
 * where the look-up became cold. */
bool	trail_listable(const struct trail *trail);
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
