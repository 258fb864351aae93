/* SPDX-License-Identifier: ISC */
#include <err.h>
#include <stdlib.h>

#include "idmap.h"

void
idmap_make(struct idmap *map, size_t n)
{
	size_t buckets = 1;

	while (buckets < n && buckets < (1U << 20))
		buckets *= 2;
	map->buckets = calloc(buckets, sizeof(*map->buckets));
	if (map->buckets == NULL)
		errx(1, "out of memory");
	map->mask = (uint32_t)(buckets - 1);
}

void
idmap_add(struct idmap *map, struct idnode *node, uint32_t id)
{
	struct idnode **bucket = &map->buckets[id & map->mask];

	node->id = id;
	node->next = *bucket;
	*bucket = node;
}

void
idmap_remove(struct idmap *map, struct idnode *node)
{
	struct idnode **at;

	for (at = &map->buckets[node->id & map->mask]; *at != NULL;
	    at = &(*at)->next) {
		if (*at == node) {
			*at = node->next;
			return;
		}
	}
}

struct idnode *
idmap_find(const struct idmap *map, uint32_t id)
{
	struct idnode *node;

	for (node = map->buckets[id & map->mask]; node != NULL;
	    node = node->next) {
		if (node->id == id)
			return node;
	}
	return NULL;
}
