/* SPDX-License-Identifier: ISC */
#ifndef USHER_IDS_H
#define USHER_IDS_H

#include <sys/types.h>

#include <stdbool.h>

/*
 * Becomes that user and group for good: real, effective and saved.  groups:
 * keeps the supplementary groups that we have, which must not be root's; else
 * there are none.  Exits 1 with a line on stderr.
 */
void	ids_change(uid_t uid, gid_t gid, bool groups);

#endif
