/* SPDX-License-Identifier: ISC */
#ifndef USHER_HOSTS_H
#define USHER_HOSTS_H

#include <sys/types.h>

#include <stdbool.h>

#include "../common/hostname.h"
#include "../common/refusal.h"
#include "lookup.h"
#include "place.h"
#include "recall.h"

/*
 * The directory that is the configuration; usher-hosts(5).  Symbolic links
 * may point around inside hosts/ and never out of it, another file system
 * mounted below is not entered, and nothing is opened but to look at it or to
 * connect to it.
 */
enum {
	/* Sockets of directories that are tried for one connection. */
	HOST_SOCKETS_MAX = 8
};

/* The entries that a host may have. */
enum host_entry {
	HOST_TLS_HANDOFF,
	HOST_TLS_SOCKET,
	HOST_TLS_PROXY_V1,
	HOST_TLS_PROXY_V2,
	HOST_HTTP_HANDOFF,
	HOST_HTTP_SOCKET,
	HOST_HTTP_PROXY_V1,
	HOST_HTTP_PROXY_V2,
	HOST_ACME_HANDOFF,
	HOST_ACME_SOCKET,
	HOST_ACME_PROXY_V1,
	HOST_ACME_PROXY_V2,
	HOST_PROXY_V1,		/* for TLS and HTTP */
	HOST_PROXY_V2,
	HOST_ENTRIES
};

struct host {
	struct patience	*patience;	/* the caller's, from the start */
	struct trail	trail;		/* from hosts/ to its directory, below
					 * which everything is looked up */
	char		key[HOSTNAME_MAX + 1];	/* its name in hosts/ */
	uid_t		trusted;	/* the owner of hosts/ */
	bool		shared;		/* others may create names in hosts/ */
	unsigned int	sockets;	/* of directories: yet to be tried */
	unsigned int	absent;		/* entries that it does not have: what
					 * was remembered, and */
	struct absence	missing;	/* what was found out */
	struct listing	*listing;	/* the caller's: names found out */
};

/*
 * Looks up in this directory from now on, whatever its path leads to later.
 * Exits 1 with a line on stderr when we may not, when the system lacks what
 * looking up needs, or when others may write to it and it is not sticky: they
 * could then rename anybody's host.
 */
void	hosts_use(int directory, const char *path);

/*
 * Finds the host of a name (NULL: no name was given): hosts/NAME, else
 * hosts/_.PARENT, else hosts/_default; hosts/_nosni without a name.  Names
 * that begin with '_' count only when their entry is owned by the owner of
 * hosts/ or by root.  Where others may create names, one for which there is a
 * _.PARENT counts only when it belongs to one of these, or to the owner of
 * the directory that _.PARENT leads to (to nobody while it leads nowhere).
 *
 * Gives REFUSAL_NONE and a host to be closed by the caller, or why not;
 * host->key is then the entry of hosts/ that it is about, or "".
 */
enum refusal	host_open(struct host *host, const struct hostname *name,
		    struct place *place);
void		host_close(struct host *host);

/* Its directory may have changed meanwhile.  Gives -1 with errno. */
int		host_refresh(struct host *host);

/* Does the host's name lead elsewhere by now, or nowhere? */
bool		host_moved(const struct host *host);

/*
 * Is there such an entry?  What cannot be looked at counts as there, such as
 * another file system's: a header that is left out could be written by the
 * client.
 */
bool		host_has(struct host *host, enum host_entry entry);

/*
 * Connects to the stream socket of that entry, or to one of the sockets in
 * the directory that it is, in random order until one accepts or
 * host->sockets have been tried.  Gives REFUSAL_NONE and a non-blocking
 * connected socket, or why not: REFUSAL_NO_SOCKET when there is no such entry.
 */
enum refusal	host_connect(struct host *host, enum host_entry entry,
		    enum hosts_ear ear, int *backend, struct place *place);

#endif
