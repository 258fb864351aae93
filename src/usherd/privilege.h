/* SPDX-License-Identifier: ISC */
#ifndef USHER_PRIVILEGE_H
#define USHER_PRIVILEGE_H

#include <sys/types.h>

/*
 * Started as root, the parent acts with the rights of an unprivileged user in
 * everything it does for a connection (its effective ids and groups are that
 * user's), and stays root only so far as to make children that chroot and
 * become that user for good.
 */
struct privilege {
	int	root;		/* started by root */
	int	chroot;		/* children can be given an empty root */
	int	empty;		/* descriptor of that empty directory */
	uid_t	uid;
	gid_t	gid;
};

/*
 * user: the argument of -u, or NULL for the default.  Exits 1 with a line on
 * stderr when there is no such user, or it is root, or we are not root and
 * it was asked for.
 */
void	privilege_find(struct privilege *privilege, const char *user);

/* Takes on the user's ids.  Exits 1 when that fails. */
void	privilege_lower(struct privilege *privilege);

/* In a child between fork and exec: root again, to be given up by confine(). */
void	privilege_raise(const struct privilege *privilege);

#endif
