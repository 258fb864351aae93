/* SPDX-License-Identifier: ISC */
#ifndef USHER_IDMAP_H
#define USHER_IDMAP_H

#include <stddef.h>
#include <stdint.h>

/*
 * From a connection's id to what a child keeps about it.  The ids are the
 * front's: no client can choose them.
 */
struct idnode {
	struct idnode	*next;
	uint32_t	 id;
};

struct idmap {
	struct idnode	**buckets;
	uint32_t	  mask;
};

/* For about n entries; exits 1 when there is no memory. */
void		 idmap_make(struct idmap *map, size_t n);
void		 idmap_add(struct idmap *map, struct idnode *node, uint32_t id);
/* Takes it out; nothing happens when it is not in. */
void		 idmap_remove(struct idmap *map, struct idnode *node);
struct idnode	*idmap_find(const struct idmap *map, uint32_t id);

#endif
