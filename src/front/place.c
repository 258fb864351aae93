/* SPDX-License-Identifier: ISC */
#include <stdbool.h>
#include <string.h>

#include "place.h"

static bool
printable(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

void
place_append(char *path, const char *name)
{
	size_t n = strlen(path);

	if (n > 0 && n < PLACE_TEXT_MAX - 1)
		path[n++] = '/';
	for (; *name != '\0' && n < PLACE_TEXT_MAX - 1; name++)
		path[n++] = printable(*name) ? *name : '?';
	path[n] = '\0';
}

void
place_set(struct place *place, const char *path, const char *name)
{
	memset(place, 0, sizeof(*place));
	memcpy(place->at, path, strnlen(path, PLACE_TEXT_MAX - 1));
	if (*name != '\0')
		place_append(place->at, name);
	if (place->at[0] == '\0')
		place->at[0] = '.';
}

void
place_lacks(struct place *place, const char *path, const char *name,
    const struct stat *st, char needs)
{
	place_set(place, path, name);
	place->needs = needs;
	place->mode = st->st_mode & 07777;
	place->uid = st->st_uid;
	place->gid = st->st_gid;
}
