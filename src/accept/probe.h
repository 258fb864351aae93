/* SPDX-License-Identifier: ISC */
#ifndef USHER_PROBE_H
#define USHER_PROBE_H

/*
 * Does anybody still have a socket open that is there?
 */
#include <sys/stat.h>

#include <stdbool.h>

enum probe {
	PROBE_GONE,
	PROBE_STALE,	/* a socket that nobody has */
	PROBE_LIVE,	/* somebody listens on it, or may be about to */
	PROBE_OTHER	/* not a socket */
};

#define PROBE_PATH_BYTES sizeof("/proc/self/fd/2147483647")

/* Does not follow a symbolic link.  Fills in st for a socket. */
enum probe	probe(int directory, const char *name, struct stat *st);

/*
 * Is a socket that is live one for datagrams or sequenced packets?  A server
 * of the latter sees one more connection, which brings nothing.
 */
bool		probe_is_packets(int directory, const char *name);

/* The path that leads to what a descriptor was opened for. */
void	probe_path(char path[static PROBE_PATH_BYTES], int fd);

#endif
