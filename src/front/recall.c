/* SPDX-License-Identifier: ISC */
#include <sys/stat.h>

#include <string.h>

#include "hosts_system.h"
#include "recall.h"

enum {
	/* Directories in use at a time; those beyond share. */
	ABSENCES = 1024,
	LISTINGS = 256,
	/* Coarser than the times of any file system that has sockets: some
	 * tell whole seconds. */
	SETTLED_S = 2
};

static struct absence	absences[ABSENCES];
static struct listing	listings[LISTINGS];

int
snapshot_take(struct snapshot *now, int directory)
{
	struct timespec	clock;
	struct stat	st;

	memset(now, 0, sizeof(*now));
	/* The time first: what is asked later was asked after it. */
	if (clock_gettime(CLOCK_REALTIME, &clock) == -1 ||
	    hosts_stat(directory, &st) == -1)
		return -1;
	now->of.device = st.st_dev;
	now->of.directory = st.st_ino;
	now->of.owner = st.st_uid;
	now->modified = st.st_mtim;
	now->changed = st.st_ctim;
	/* A tenant can set the one back, but not the other. */
	now->settled = clock.tv_sec - st.st_mtim.tv_sec > SETTLED_S &&
	    clock.tv_sec - st.st_ctim.tv_sec > SETTLED_S;
	return 0;
}

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Never true of a snapshot that nothing was remembered for. */
static bool
same(const struct snapshot *then, const struct snapshot *now)
{
	return then->settled && then->of.device == now->of.device &&
	    then->of.directory == now->of.directory &&
	    same_time(&then->modified, &now->modified) &&
	    same_time(&then->changed, &now->changed);
}

static size_t
hash(const struct snapshot *of)
{
	return of->of.device * 31 + of->of.directory;
}

unsigned int
absence_known(const struct snapshot *now)
{
	const struct absence *slot = &absences[hash(now) % ABSENCES];

	return same(&slot->at, now) ? slot->entries : 0;
}

void
absence_learn(const struct absence *absence)
{
	struct absence *slot = &absences[hash(&absence->at) % ABSENCES];

	if (!absence->at.settled || absence->entries == 0)
		return;
	if (same(&slot->at, &absence->at))
		slot->entries |= absence->entries;
	else
		*slot = *absence;
}

void
listing_make(struct listing *listing, const struct snapshot *then,
    const struct hosts_names *names)
{
	size_t i, n;

	listing->at = *then;
	listing->size = 0;
	for (i = 0; i < names->n; i++) {
		n = strlen(names->name[i]) + 1;
		if (n > sizeof(listing->names) - listing->size) {
			listing->at.settled = false;
			return;
		}
		memcpy(listing->names + listing->size, names->name[i], n);
		listing->size += n;
	}
}

bool
listing_known(const struct snapshot *now, struct hosts_names *names)
{
	const struct listing	*slot = &listings[hash(now) % LISTINGS];
	size_t			 at;

	if (!same(&slot->at, now))
		return false;
	memcpy(names->bytes, slot->names, slot->size);
	names->n = 0;
	for (at = 0; at < slot->size; at += strlen(names->bytes + at) + 1)
		names->name[names->n++] = names->bytes + at;
	return true;
}

void
listing_learn(const struct listing *listing)
{
	if (listing->at.settled)
		listings[hash(&listing->at) % LISTINGS] = *listing;
}
