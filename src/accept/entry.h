/* SPDX-License-Identifier: ISC */
#ifndef USHER_ENTRY_H
#define USHER_ENTRY_H

/*
 * Where a socket is, or is to be: an entry of a directory.
 */
#include <limits.h>
#include <stdbool.h>

struct entry {
	int	directory;		/* O_PATH */
	char	name[NAME_MAX + 1];
};

/*
 * The last component of a path, and the directory that the rest leads to; at
 * is as for openat(2).  To be closed.  Gives 0, or -1 with errno.
 */
int	entry_open(struct entry *entry, int at, const char *path);
void	entry_close(struct entry *entry);

/*
 * Keeps other processes with this library from changing what is in the
 * directory.  Whoever may read the directory can hold this lock, so it is not
 * waited for long; who may not read it goes without.  Gives a descriptor, to
 * be given back, or -1.  Both leave errno alone.
 */
int	entry_lock(int directory);
void	entry_unlock(int lock);

/*
 * Which socket it is, so that one can be told from another that has taken its
 * name: numbers of files are used again, but not in the same moment.
 */
struct identity {
	unsigned int	major, minor;	/* the file system */
	unsigned long	inode;
	long long	born;		/* seconds; 0 where it is not known */
	unsigned int	born_ns;
};

/* Does not follow a symbolic link.  Gives 0, or -1 with errno. */
int	identity_at(int directory, const char *name,
	    struct identity *identity);
bool	identity_same(const struct identity *a, const struct identity *b);

#endif
