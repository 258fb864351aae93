/* SPDX-License-Identifier: ISC */
#include <sys/random.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crowd.h"
#include "probe.h"

enum {
	ENTRIES_MAX = 1024,	/* looked at; usherd looks at fewer */
	RACES_MAX = 16		/* names that are taken */
};

/* TOKEN-RANK-UNIQUE-handoff: the token is this process's. */
#define TOKEN_BYTES	sizeof("ffffffff-")
#define ENTRY_BYTES	sizeof("ffffffff-0-ffffffff-handoff")

/* What is in the directory. */
struct census {
	const char	*self;		/* the socket to come */
	char		own[TOKEN_BYTES];
	enum place_rank	rank;		/* its rank */
	bool		others;		/* live ones of other processes */
	bool		same, higher;	/* live ones of ours by their rank */
};

static uint32_t
random_number(void)
{
	uint32_t value;

	if (getrandom(&value, sizeof(value), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(value))
		value = (uint32_t)getpid();	/* names need only differ */
	return value;
}

/*
 * What this process's sockets in a directory begin with, and those of the
 * processes that are forked from it afterwards.
 */
static uint32_t
token(void)
{
	static bool	chosen;
	static uint32_t	value;

	if (!chosen)
		value = random_number();
	chosen = true;
	return value;
}

/* One of ours that ranks lower makes room. */
static void
count_live(const struct place *place, struct census *census, const char *name)
{
	const size_t	n = strlen(census->own);
	enum place_rank	rank;

	if (strncmp(name, census->own, n) != 0) {
		census->others = true;
		return;
	}
	rank = (enum place_rank)(name[n] - '0');
	if (rank == census->rank)
		census->same = true;
	else if (rank > census->rank)
		census->higher = true;
	else
		(void)unlinkat(place->directory, name, 0);
}

static void
count_one(const struct place *place, struct census *census, const char *name)
{
	struct stat st;

	if (!name_is_handoff(name) || strcmp(name, census->self) == 0)
		return;
	switch (probe(place->directory, name, &st)) {
	case PROBE_LIVE:
		count_live(place, census, name);
		break;
	case PROBE_STALE:
		(void)unlinkat(place->directory, name, 0);
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

int
crowd_take(const struct place *place, const struct place_socket *socket)
{
	struct census	census;
	char		entry[ENTRY_BYTES];
	int		race;

	memset(&census, 0, sizeof(census));
	census.self = socket->name;
	census.rank = place_rank(socket->address);
	(void)snprintf(census.own, sizeof(census.own), "%08x-", token());
	if (count_all(place, &census) == -1)
		return -1;
	if (!place->shared && (census.others || census.same))
		return place_refuse(place->port, EADDRINUSE,
		    "a server listens in it already");
	if (census.higher)
		return 0;
	for (race = 0; race < RACES_MAX; race++) {
		(void)snprintf(entry, sizeof(entry), "%s%d-%08x-handoff",
		    census.own, (int)census.rank, random_number());
		if (place_show(place, socket, entry) == 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	return place_refuse(place->port, errno, NULL);
}
