/* SPDX-License-Identifier: ISC */
#ifndef USHER_USER_H
#define USHER_USER_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

/*
 * Whom all but the launcher become.  Started by root that is an unprivileged
 * user, in a front with the groups of the system's list: tenants grant by
 * group.  Else everybody stays who he is.
 */
struct user {
	bool	 root;		/* started by root */
	uid_t	 uid;
	gid_t	 gid;
	gid_t	*groups;
	size_t	 ngroups;
};

/*
 * name: the argument of -u, or NULL for the default.  Exits 1 with a line on
 * stderr when there is no such user, or it is root, or we are not root and
 * it was asked for.
 */
void	user_find(struct user *user, const char *name);

#endif
