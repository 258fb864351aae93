/* SPDX-License-Identifier: ISC */
#ifndef USHER_HOSTS_H
#define USHER_HOSTS_H

#include <sys/types.h>

#include <stdbool.h>

#include "../common/hostname.h"
#include "../common/refusal.h"

/*
 * The directory that is the configuration; usher-hosts(5).  hosts_linux.c
 * looks things up with openat2(2): symbolic links may point around inside
 * hosts/ and never out of it, another file system mounted below is not
 * entered, and nothing is opened but O_PATH.
 */
struct host {
	int	directory;		/* everything is looked up below it */
	char	key[HOSTNAME_MAX + 1];	/* its name in hosts/ */
};

/*
 * Who is behind a host: its directory, whatever names lead there, and who
 * owns it.
 */
struct tenant {
	dev_t	device;
	ino_t	directory;
	uid_t	owner;
};

/*
 * Opens the hosts directory, once.  Exits 1 with a
 * line on stderr when it is not there, not a directory, or when others may
 * write to it and it is not sticky: anybody could then rename anybody's host.
 */
void	hosts_open(const char *path);

/*
 * Finds the host of a name (NULL: no name was given): hosts/NAME, else
 * hosts/_.PARENT, else hosts/_default; hosts/_nosni without a name.  Names
 * that begin with '_' count only when their entry is owned by the owner of
 * hosts/ or by root.  Gives REFUSAL_NONE and a host to be closed by the
 * caller, or why not.
 */
enum refusal	host_open(struct host *host, const struct hostname *name);
void		host_close(struct host *host);

/* Gives 0, or -1 with errno. */
int		host_tenant(const struct host *host, struct tenant *tenant);

/* Does the host's name lead elsewhere by now, or nowhere? */
bool		host_moved(const struct host *host);

/* Is there an entry of that name? */
bool		host_has(const struct host *host, const char *entry);

/* What a tenant may say on a connection: descriptors never. */
enum hosts_ear {
	HOSTS_HEARS,
	HOSTS_DEAF		/* nothing: his sending fails with EPIPE */
};

/*
 * Connects to the stream socket of that name, or to one of the sockets in
 * the directory of that name, in random order until one accepts.  Gives
 * REFUSAL_NONE and a non-blocking connected socket, or why not:
 * REFUSAL_NO_SOCKET when there is no such entry.
 */
enum refusal	host_connect(const struct host *host, const char *entry,
		    enum hosts_ear ear, int *backend);

#endif
