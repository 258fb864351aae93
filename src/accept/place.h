/* SPDX-License-Identifier: ISC */
#ifndef USHER_PLACE_H
#define USHER_PLACE_H

/*
 * Where a listener appears in the file system: under the path that
 * USHER_LISTEN gives, or in the directory that is there.
 */
#include <sys/stat.h>

#include <limits.h>
#include <stdbool.h>

#include "name.h"
#include "rival.h"
#include "settings.h"

struct place {
	const struct settings_port	*port;
	int		 directory;	/* O_PATH: where the socket is to be */
	char		 entry[NAME_MAX + 1];	/* its name, if it has one */
	bool		 many;		/* any name: the path is a directory */
	bool		 shared;	/* SO_REUSEPORT: with others in it */
	uid_t		 owner;		/* of the directory; -1: not known */
};

/*
 * Which of several addresses appears: in TCP a wildcard gets what others do
 * not, and only AF_INET6 can show a server all its clients.
 */
enum place_rank {
	RANK_IN,
	RANK_IN6,
	RANK_ANY,
	RANK_ANY6
};

/* A socket that was bound in a place, still under a name of its own. */
struct place_socket {
	const union name_address	*address;
	const char			*name;
	int				 pinned;	/* O_PATH */
};

/*
 * Finds it, and makes the directory that a shared listener wants.  To be
 * closed.  Gives 0, or -1 with errno as bind(2) has it, and has said why.
 */
int	place_open(struct place *place, const struct settings_port *port,
	    bool shared);
void	place_close(struct place *place);

/*
 * Lets the socket appear, in place of what nobody listens on any more, or of
 * what others listen on (USHER_REPLACE).  The directory must be locked, since
 * of two servers that start at once each would find what the last one left, and
 * the slower would remove what the quicker put there: entry_lock().  One
 * more address of a port that this process listens on already is told 0 as
 * well, but of them all only one appears, whichever of TCP would get the most
 * clients: usherd knows one socket of a host, not several addresses.  (When
 * that is closed, the others do not appear in its place.)  Gives 0, or -1 with
 * errno, and has said why: EADDRINUSE for another's listener, for the address
 * that appears already, or for what is no socket.
 */
int	place_take(const struct place *place,
	    const struct place_socket *socket);

enum place_rank	place_rank(const union name_address *address);

/* Links the socket to a name.  Gives 0, or -1 with errno: EEXIST. */
int	place_show(const struct place *place,
	    const struct place_socket *socket, const char *entry);

/* Says what is wrong with a port's path, sets errno, and gives -1. */
int	place_refuse(const struct settings_port *port, int error,
	    const char *why);

/* The same where a server listens already, on the socket of that name. */
int	place_refuse_rival(const struct place *place, const char *name,
	    enum rival_help help);

/*
 * Around what calls place_take(), or deals with entries in any other way, and
 * around fork(2).
 */
void	place_lock(void);
void	place_unlock(void);

#endif
