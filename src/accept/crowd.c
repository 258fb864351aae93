/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crowd.h"
#include "number.h"
#include "probe.h"
#include "real.h"

enum {
	ENTRIES_MAX = 1024,	/* looked at; usherd looks at fewer */
	RACES_MAX = 16		/* names that are taken */
};

/* TOKEN-RANK-UNIQUE-handoff: the token is this process's. */
#define TOKEN_BYTES	sizeof("ffffffff-")
#define ENTRY_BYTES	sizeof("ffffffff-0-ffffffff-handoff")

/* What is in the directory. */
struct census {
	char		own[TOKEN_BYTES];
	enum place_rank	rank;		/* of the socket to come */
	bool		clearing;	/* others' are removed */
	bool		same, higher;	/* live ones of ours by their rank */
	char		other[NAME_MAX + 1];	/* a live one, or "" */
};

/*
 * What this process's sockets in a directory begin with, and those of the
 * processes that are forked from it afterwards; or of all that are to replace
 * the same others.
 */
static uint32_t
token(void)
{
	static bool	chosen;
	static uint32_t	value;

	if (!chosen && !settings_replace(&value))
		value = number_random();
	chosen = true;
	return value;
}

static void
clear(const struct place *place, const char *name)
{
	(void)real()->unlinkat(place->directory, name, 0);
}

/* One of ours that ranks lower makes room.  Hidden ones have yet to listen. */
static void
count_live(const struct place *place, struct census *census, const char *name)
{
	const size_t	n = strlen(census->own);
	enum place_rank	rank;

	if (name_is_hidden(name))
		return;
	if (strncmp(name, census->own, n) != 0) {
		if (census->clearing)
			clear(place, name);
		(void)snprintf(census->other, sizeof(census->other), "%s",
		    name);
		return;
	}
	rank = (enum place_rank)(name[n] - '0');
	if (rank == census->rank)
		census->same = true;
	else if (rank > census->rank)
		census->higher = true;
	else
		clear(place, name);
}

static void
count_one(const struct place *place, struct census *census, const char *name)
{
	struct stat st;

	if (!name_is_handoff(name))
		return;
	switch (probe(place->directory, name, &st)) {
	case PROBE_LIVE:
		count_live(place, census, name);
		break;
	case PROBE_STALE:
		clear(place, name);
		break;
	case PROBE_GONE:
	case PROBE_OTHER:
		break;
	}
}

static int
count_all(const struct place *place, struct census *census)
{
	const struct dirent	*entry;
	DIR			*list;
	int			 fd, seen;

	fd = openat(place->directory, ".",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return place_refuse(place->port, errno, NULL);
	list = fdopendir(fd);
	if (list == NULL) {
		(void)close(fd);	/* read only */
		return place_refuse(place->port, ENOMEM, NULL);
	}
	for (seen = 0; seen < ENTRIES_MAX; seen++) {
		entry = readdir(list);
		if (entry == NULL)
			break;
		count_one(place, census, entry->d_name);
	}
	(void)closedir(list);	/* read only */
	return 0;
}

/* Under a name that nobody else has. */
static int
join(const struct place *place, const struct place_socket *socket,
    const struct census *census)
{
	char	entry[ENTRY_BYTES];
	int	race;

	for (race = 0; race < RACES_MAX; race++) {
		(void)snprintf(entry, sizeof(entry), "%s%d-%08x-handoff",
		    census->own, (int)census->rank, number_random());
		if (place_show(place, socket, entry) == 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	return place_refuse(place->port, errno, NULL);
}

/* The new are there before the others go, so that there is always one. */
static int
take_over(const struct place *place, const struct place_socket *socket,
    struct census *census)
{
	if (!census->higher && join(place, socket, census) == -1)
		return -1;
	if (census->other[0] == '\0')
		return 0;
	census->clearing = true;
	return count_all(place, census);
}

int
crowd_take(const struct place *place, const struct place_socket *socket)
{
	struct census census;

	memset(&census, 0, sizeof(census));
	census.rank = place_rank(socket->address);
	(void)snprintf(census.own, sizeof(census.own), "%08x-", token());
	if (count_all(place, &census) == -1)
		return -1;
	if (settings_replace(NULL))
		return take_over(place, socket, &census);
	if (!place->shared && census.other[0] != '\0')
		return place_refuse_rival(place, census.other,
		    RIVAL_REPLACEABLE);
	if (!place->shared && census.same)
		return place_refuse(place->port, EADDRINUSE,
		    "this process listens in it already");
	return census.higher ? 0 : join(place, socket, &census);
}
