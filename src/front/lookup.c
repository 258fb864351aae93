/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "hosts_system.h"
#include "lookup.h"

enum {
	/* the components yet to come: a link, and what stood behind one */
	REST_BYTES = (LOOKUP_LINK_BYTES + 1) * LOOKUP_LINKS_MAX + 256
};

struct walk {
	struct lookup	*found;
	struct place	*place;
	char		 rest[REST_BYTES];
	size_t		 home;		/* no link may leave this freely */
	uid_t		 trusted;
	unsigned int	 links;
	bool		 left;		/* the way has led out of home */
	bool		 bound;		/* a link was followed that counts, */
	uid_t		 owner;		/* out there, for what this user owns */
	bool		 mixed;		/* and another of another user */
};

void
trail_begin(struct trail *trail, int hosts, struct patience *patience)
{
	memset(trail, 0, sizeof(*trail));
	trail->patience = patience;
	trail->fd[0] = hosts;
	trail->depth = 1;
}

int
trail_directory(const struct trail *trail)
{
	return trail->fd[trail->depth - 1];
}

static void
grow_cold(const struct trail *trail)
{
	struct patience	*patience = trail->patience;
	struct stat	 st;

	patience->cold = true;
	memset(&patience->at, 0, sizeof(patience->at));
	if (hosts_stat(trail_directory(trail), &st) == -1)
		return;		/* as good as any other directory */
	patience->at.device = st.st_dev;
	patience->at.directory = st.st_ino;
	patience->at.owner = st.st_uid;
}

int
trail_entry(const struct trail *trail, const char *name)
{
	const bool	now = !trail->patience->waits && trail->depth > 1;
	int		fd;

	if (trail->patience->cold) {
		errno = EAGAIN;
		return -1;
	}
	fd = hosts_entry(trail_directory(trail), name,
	    now ? HOSTS_NOW : HOSTS_WAIT);
	if (fd == -1 && errno == EAGAIN && now) {
		grow_cold(trail);
		errno = EAGAIN;
	}
	return fd;
}

bool
trail_listable(const struct trail *trail)
{
	if (!trail->patience->waits && !trail->patience->cold)
		grow_cold(trail);
	return !trail->patience->cold;
}

/*
 * Leaves the last directory.  Its name may not have fitted into the text, so
 * that the last name there is another's.
 */
static void
trail_pop(struct trail *trail)
{
	trail->depth--;
	if (trail->owned[trail->depth])
		(void)close(trail->fd[trail->depth]);	/* O_PATH */
	trail->text[trail->above[trail->depth]] = '\0';
}

void
trail_close(struct trail *trail)
{
	while (trail->depth > 1)
		trail_pop(trail);
}

void
lookup_close(struct lookup *found)
{
	if (found->fd != -1)
		(void)close(found->fd);		/* O_PATH */
	found->fd = -1;
	trail_close(&found->trail);
}

enum refusal
lookup_enter(struct lookup *found, const char *name, struct place *place)
{
	struct trail *trail = &found->trail;

	if (trail->depth == LOOKUP_DEPTH_MAX) {
		place_set(place, trail->text, name);
		return REFUSAL_LINK_LOOP;
	}
	if (found->st.st_size > LOOKUP_DIRECTORY_MAX) {
		place_set(place, trail->text, name);
		return REFUSAL_CROWDED;
	}
	trail->fd[trail->depth] = found->fd;
	trail->above[trail->depth] = strlen(trail->text);
	trail->owned[trail->depth++] = true;
	place_append(trail->text, name);
	found->fd = -1;
	return REFUSAL_NONE;
}

/* Why a name could not be opened in the directory that the walk is in. */
static enum refusal
why_not(const struct walk *walk, const char *name, int error)
{
	const struct trail	*trail = &walk->found->trail;
	struct stat		 st;

	place_set(walk->place, trail->text, name);
	if ((error == EACCES || error == EPERM) &&
	    hosts_stat(trail_directory(trail), &st) == 0)
		place_lacks(walk->place, trail->text, "", &st, 'x');
	return hosts_refusal(error);
}

/* Is it a way that we go, so many levels below hosts/? */
static enum refusal
way_judge(const char *way, size_t level)
{
	unsigned int	names = 0;
	size_t		n;

	if (*way == '/')
		return REFUSAL_LINK_OUTSIDE;
	for (; *way != '\0'; way += n + strspn(way + n, "/")) {
		n = strcspn(way, "/");
		if (n == 1 && way[0] == '.')
			continue;
		if (n != 2 || memcmp(way, "..", 2) != 0) {
			level++;
			names++;
		} else if (level-- == 0) {
			return REFUSAL_LINK_OUTSIDE;
		}
	}
	return names > LOOKUP_COMPONENTS_MAX ? REFUSAL_LINK_LOOP :
	    REFUSAL_NONE;
}

/* The link that was found takes the place of its name in the way to go. */
static enum refusal
follow(struct walk *walk, const char *name)
{
	struct lookup	*found = walk->found;
	char		 text[REST_BYTES];
	enum refusal	 refusal;
	ssize_t		 n;
	size_t		 rest = strlen(walk->rest);

	place_set(walk->place, found->trail.text, name);
	if (walk->links++ == LOOKUP_LINKS_MAX)
		return REFUSAL_LINK_LOOP;
	n = hosts_link(found->fd, text, LOOKUP_LINK_BYTES + 1);
	if (n == -1)
		return hosts_refusal(errno);
	text[n] = '\0';
	refusal = way_judge(text, found->trail.depth - 1);
	if (refusal != REFUSAL_NONE)
		return refusal;
	if (n > LOOKUP_LINK_BYTES || rest + 2 > sizeof(text) - (size_t)n)
		return REFUSAL_LINK_LOOP;
	text[n] = '/';
	memcpy(text + n + 1, walk->rest, rest + 1);
	memcpy(walk->rest, text, (size_t)n + rest + 2);
	if (found->st.st_uid != 0 && found->st.st_uid != walk->trusted) {
		walk->mixed |= walk->bound && walk->owner != found->st.st_uid;
		walk->bound = true;
		walk->owner = found->st.st_uid;
	}
	found->linked = true;
	(void)close(found->fd);		/* O_PATH */
	found->fd = -1;
	return REFUSAL_NONE;
}

/* Takes the next component off the way.  Gives false when there is none. */
static bool
component_next(struct walk *walk, char name[LOOKUP_LINK_BYTES + 1])
{
	const char	*at = walk->rest + strspn(walk->rest, "/");
	size_t		 n = strcspn(at, "/");

	/* A host's name and an entry's are shorter than a link may be. */
	if (n == 0 || n > LOOKUP_LINK_BYTES)
		return false;
	memcpy(name, at, n);
	name[n] = '\0';
	at += n;
	at += strspn(at, "/");
	memmove(walk->rest, at, strlen(at) + 1);
	return true;
}

static enum refusal
up(struct walk *walk)
{
	struct trail *trail = &walk->found->trail;

	if (trail->depth == 1)
		return REFUSAL_LINK_OUTSIDE;
	trail_pop(trail);
	if (trail->depth < walk->home)
		walk->left = true;
	return REFUSAL_NONE;
}

/* One component; *done when it was the last and no link. */
static enum refusal
step(struct walk *walk, const char *name, bool first, bool *done)
{
	struct lookup	*found = walk->found;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return name[1] == '\0' ? REFUSAL_NONE : up(walk);
	found->fd = trail_entry(&found->trail, name);
	if (found->fd == -1)
		return why_not(walk, name, errno);
	if (hosts_stat(found->fd, &found->st) == -1)
		return why_not(walk, name, errno);
	if (first)
		found->entry_owner = found->st.st_uid;
	if (S_ISLNK(found->st.st_mode))
		return follow(walk, name);
	*done = walk->rest[0] == '\0';
	if (*done)
		place_set(walk->place, found->trail.text, name);
	else if (S_ISDIR(found->st.st_mode))
		return lookup_enter(found, name, walk->place);
	else
		return why_not(walk, name, ENOTDIR);
	return REFUSAL_NONE;
}

static enum refusal
walk_along(struct walk *walk)
{
	char		name[LOOKUP_LINK_BYTES + 1];
	enum refusal	refusal;
	bool		first = true, done = false;

	while (!done) {
		/* A link to "." or "..": a directory where no name is. */
		if (!component_next(walk, name)) {
			place_set(walk->place, walk->found->trail.text, "");
			return REFUSAL_LINK_LOOP;
		}
		refusal = step(walk, name, first, &done);
		if (refusal != REFUSAL_NONE)
			return refusal;
		first = false;
	}
	if (walk->left && walk->bound &&
	    (walk->mixed || walk->owner != walk->found->st.st_uid))
		return REFUSAL_LINK_FOREIGN;
	return REFUSAL_NONE;
}

enum refusal
lookup(const struct trail *base, size_t home, const char *name,
    uid_t trusted, struct lookup *found, struct place *place)
{
	struct walk	walk;
	enum refusal	refusal;

	memset(&walk, 0, sizeof(walk));
	walk.found = found;
	walk.place = place;
	walk.home = home;
	walk.left = home == 0;
	walk.trusted = trusted;
	memcpy(walk.rest, name, strlen(name) + 1);
	memset(found, 0, sizeof(*found));
	found->trail = *base;
	memset(found->trail.owned, 0, sizeof(found->trail.owned));
	found->fd = -1;
	refusal = walk_along(&walk);
	if (refusal != REFUSAL_NONE)
		lookup_close(found);
	return refusal;
}
