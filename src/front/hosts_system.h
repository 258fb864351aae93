/* SPDX-License-Identifier: ISC */
#ifndef USHER_HOSTS_SYSTEM_H
#define USHER_HOSTS_SYSTEM_H

#include <sys/stat.h>
#include <sys/types.h>

#include <stddef.h>

#include "../common/refusal.h"

/*
 * What looking things up below hosts/ needs of the system, one component of a
 * path at a time, so that nothing is ever resolved twice and nothing leaves
 * the directory that it is asked in.  hosts_linux.c: openat2(2).
 */

/*
 * Makes sure that the functions below will work with this directory, whose
 * path is for people.  Exits 1 with a line on stderr.
 */
void	hosts_system_try(int hosts, const char *path);

/*
 * Opens what bears this name in the directory, be it a link, without following
 * it, and without any right but to look below it, to see what it is, and to
 * connect to it.  name is one component, not "..".  Gives -1 with errno:
 * EXDEV when another file system is mounted there.
 *
 * A name that is not in the system's cache is looked up under the directory's
 * lock, and whoever may read the directory can hold that for as long as he
 * likes.  HOSTS_NOW never waits for it: EAGAIN.  (On systems that cannot tell
 * it waits all the same.)
 */
enum hosts_wait {
	HOSTS_NOW,
	HOSTS_WAIT
};

int	hosts_entry(int directory, const char *name, enum hosts_wait wait);

/* What a tenant may say on a connection: descriptors never. */
enum hosts_ear {
	HOSTS_HEARS,
	HOSTS_DEAF		/* nothing: his sending fails with EPIPE */
};

/* What such a link says: up to size bytes, no NUL.  Gives -1 with errno. */
ssize_t	hosts_link(int link, char *text, size_t size);

/*
 * Names of sockets or links in a directory opened by hosts_entry(), out of the
 * first HOSTS_LIST_BYTES of what the system tells about its entries; those
 * that begin with a dot are left out.  It waits for the directory's lock.
 * Gives -1 with errno.
 */
enum {
	HOSTS_LIST_BYTES = 8 * 1024,
	HOSTS_NAMES_MAX = HOSTS_LIST_BYTES / 24	/* of one byte each */
};

struct hosts_names {
	const char	*name[HOSTS_NAMES_MAX];
	size_t		 n;
	_Alignas(8) char bytes[HOSTS_LIST_BYTES];	/* where they are */
};

int	hosts_list(int directory, struct hosts_names *names);

/* fstat(2) of what was opened here, in words that the sandbox can tell from
 * stat(2) of a path. */
int	hosts_stat(int fd, struct stat *st);

/*
 * Connects to the very socket that was opened by hosts_entry(), without
 * waiting.  Gives REFUSAL_NONE and a connected, non-blocking socket, or why
 * not.  Up to HOSTS_THREADS threads may call it in the life of the process;
 * others get REFUSAL_OVERLOAD.
 */
enum {
	HOSTS_THREADS = 9	/* query.c's, and the loop */
};

enum refusal	hosts_connect(int pinned, enum hosts_ear ear, int *backend);

/* The reason for errno when a name was looked up. */
enum refusal	hosts_refusal(int error);

#endif
