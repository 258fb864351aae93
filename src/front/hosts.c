/* SPDX-License-Identifier: ISC */
/*
 * Hosts: which entry of hosts/ a name leads to, and what a tenant has put
 * there for us to connect to.
 */
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hosts.h"
#include "hosts_system.h"
#include "log.h"
#include "random.h"

static const char *const entry_names[HOST_ENTRIES] = {
	[HOST_TLS_HANDOFF] = "tls-handoff",
	[HOST_TLS_SOCKET] = "tls-socket",
	[HOST_TLS_PROXY_V1] = "tls-send-proxy-v1",
	[HOST_TLS_PROXY_V2] = "tls-send-proxy-v2",
	[HOST_HTTP_HANDOFF] = "http-handoff",
	[HOST_HTTP_SOCKET] = "http-socket",
	[HOST_HTTP_PROXY_V1] = "http-send-proxy-v1",
	[HOST_HTTP_PROXY_V2] = "http-send-proxy-v2",
	[HOST_ACME_HANDOFF] = "acme-handoff",
	[HOST_ACME_SOCKET] = "acme-socket",
	[HOST_ACME_PROXY_V1] = "acme-send-proxy-v1",
	[HOST_ACME_PROXY_V2] = "acme-send-proxy-v2",
	[HOST_PROXY_V1] = "send-proxy-v1",
	[HOST_PROXY_V2] = "send-proxy-v2",
};

static int		 hosts = -1;
static const char	*hosts_path;

/* May others write to it, and so rename what is not theirs? */
static bool
anybody_may_rename(const struct stat *st)
{
	return (st->st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
	    (st->st_mode & S_ISVTX) == 0;
}

/* With the rights that connections will be looked up with. */
static void
search_try(void)
{
	int fd;

	fd = hosts_entry(hosts, ".", HOSTS_WAIT);
	if (fd == -1 && errno == EACCES)
		errx(1, "hosts directory %s: user %u may not look names up in "
		    "it: it needs search permission (x)", hosts_path,
		    (unsigned int)geteuid());
	if (fd == -1)
		err(1, "hosts directory %s", hosts_path);
	(void)close(fd);	/* O_PATH */
}

void
hosts_use(int directory, const char *path)
{
	struct stat st;

	hosts = directory;
	hosts_path = path;
	hosts_system_try(hosts, path);
	if (hosts_stat(hosts, &st) == -1)
		err(1, "hosts directory %s", path);
	if (anybody_may_rename(&st))
		errx(1, "hosts directory %s: its group or others may rename "
		    "anybody's host in it: chmod go-w, or chmod +t", path);
	search_try();
}

/* hosts/ is looked at anew each time: its mode may have been changed. */
static enum refusal
hosts_look(struct host *host, struct place *place)
{
	static bool	told;
	struct stat	st;

	if (hosts_stat(hosts, &st) == -1)
		return hosts_refusal(errno);
	if (st.st_nlink == 0) {
		/* The log is the loop's, which looks first. */
		if (!host->patience->waits && !told) {
			log_hosts_gone();
			told = true;
		}
		return REFUSAL_HOSTS_GONE;
	}
	if (anybody_may_rename(&st)) {
		place_lacks(place, "", "", &st, 't');
		return REFUSAL_HOSTS_OPEN;
	}
	host->trusted = st.st_uid;
	host->shared = (st.st_mode & (S_IWGRP | S_IWOTH)) != 0;
	trail_begin(&host->trail, hosts, host->patience);
	return REFUSAL_NONE;
}

static bool
trusted(const struct host *host, uid_t owner)
{
	return owner == 0 || owner == host->trusted;
}

/*
 * Looks an entry of hosts/ up and goes to the directory that it leads to.
 * Gives REFUSAL_UNKNOWN when there is none.  A squatter must not get names
 * with '_'.
 */
static enum refusal
open_key(struct host *host, const char *prefix, const char *name,
    struct lookup *found, struct place *place)
{
	enum refusal	refusal;
	int		n;

	n = snprintf(host->key, sizeof(host->key), "%s%s", prefix, name);
	if (n < 0 || (size_t)n >= sizeof(host->key))
		return REFUSAL_UNKNOWN;
	refusal = lookup(&host->trail, 0, host->key, host->trusted, found,
	    place);
	if (refusal == REFUSAL_NO_SOCKET)
		return REFUSAL_UNKNOWN;
	if (host->key[0] == '_' && (refusal == REFUSAL_NONE || found->linked)
	    && !trusted(host, found->entry_owner)) {
		lookup_close(found);
		return REFUSAL_UNKNOWN;
	}
	if (refusal == REFUSAL_NOT_SOCKET ||
	    (refusal == REFUSAL_NONE && !S_ISDIR(found->st.st_mode)))
		refusal = REFUSAL_NOT_DIRECTORY;
	if (refusal == REFUSAL_NONE)
		refusal = lookup_enter(found, host->key, place);
	if (refusal != REFUSAL_NONE)
		lookup_close(found);
	return refusal;
}

/*
 * Where anybody may create names, nobody shall take one out of those that
 * _.PARENT stands for.  While that leads nowhere, or it cannot be told where,
 * they are nobody's.
 */
static bool
taken_away(struct host *host, uid_t owner, const char *parent)
{
	struct lookup	wild;
	struct place	nowhere;
	struct stat	st;
	enum refusal	refusal;
	bool		theirs;

	if (!host->shared || parent == NULL || trusted(host, owner))
		return false;
	wild.linked = false;
	refusal = open_key(host, "_.", parent, &wild, &nowhere);
	if (refusal == REFUSAL_UNKNOWN)
		return wild.linked && trusted(host, wild.entry_owner);
	if (refusal != REFUSAL_NONE)
		return true;
	theirs = hosts_stat(trail_directory(&wild.trail), &st) == 0 &&
	    st.st_uid == owner;
	lookup_close(&wild);
	return !theirs;
}

static enum refusal
open_name(struct host *host, const struct hostname *name,
    struct lookup *found, struct place *place)
{
	const char	*parent = hostname_parent(name);
	enum refusal	 refusal;

	found->entry_owner = 0;
	refusal = open_key(host, "", name->text, found, place);
	if (refusal != REFUSAL_UNKNOWN &&
	    taken_away(host, found->entry_owner, parent)) {
		lookup_close(found);
		refusal = REFUSAL_UNKNOWN;
	} else {
		memcpy(host->key, name->text, sizeof(host->key));
	}
	if (refusal == REFUSAL_UNKNOWN && parent != NULL)
		refusal = open_key(host, "_.", parent, found, place);
	if (refusal == REFUSAL_UNKNOWN)
		refusal = open_key(host, "_default", "", found, place);
	return refusal;
}

enum refusal
host_open(struct host *host, const struct hostname *name,
    struct place *place)
{
	struct lookup	found;
	enum refusal	refusal;

	host->key[0] = '\0';
	host->trail.depth = 0;
	refusal = hosts_look(host, place);
	if (refusal != REFUSAL_NONE)
		return refusal;
	refusal = name == NULL ? open_key(host, "_nosni", "", &found, place) :
	    open_name(host, name, &found, place);
	if (refusal == REFUSAL_NONE) {
		host->trail = found.trail;
		if (host_refresh(host) == -1) {
			refusal = hosts_refusal(errno);
			host_close(host);
		}
	}
	if (refusal == REFUSAL_UNKNOWN)
		host->key[0] = '\0';
	return refusal == REFUSAL_UNKNOWN && name == NULL ? REFUSAL_NO_NAME :
	    refusal;
}

void
host_close(struct host *host)
{
	trail_close(&host->trail);
}

/* What is remembered is for the loop alone. */
int
host_refresh(struct host *host)
{
	host->absent = 0;
	host->missing.entries = 0;
	if (snapshot_take(&host->missing.at,
	    trail_directory(&host->trail)) == -1)
		return -1;
	if (!host->patience->waits)
		host->absent = absence_known(&host->missing.at);
	return 0;
}

static bool
absent(const struct host *host, enum host_entry entry)
{
	return (host->absent >> entry & 1) != 0;
}

static void
learn_absent(struct host *host, enum host_entry entry)
{
	host->absent |= 1U << entry;
	host->missing.entries |= 1U << entry;
}

bool
host_moved(const struct host *host)
{
	struct trail	top;
	struct lookup	found;
	struct place	nowhere;
	struct stat	now;
	bool		same;

	trail_begin(&top, hosts, host->patience);
	if (lookup(&top, 0, host->key, host->trusted, &found, &nowhere) !=
	    REFUSAL_NONE)
		return true;
	same = hosts_stat(trail_directory(&host->trail), &now) == 0 &&
	    now.st_dev == found.st.st_dev && now.st_ino == found.st.st_ino;
	lookup_close(&found);
	return !same;
}

bool
host_has(struct host *host, enum host_entry entry)
{
	int fd;

	if (absent(host, entry))
		return false;
	fd = trail_entry(&host->trail, entry_names[entry]);
	if (fd == -1 && errno == ENOENT)
		learn_absent(host, entry);
	if (fd == -1)
		return errno != ENOENT;
	(void)close(fd);	/* O_PATH */
	return true;
}

/*
 * A socket that bears other names, too, is no better than a symbolic link:
 * where the system lets users link to what is not theirs
 * (fs.protected_hardlinks), a tenant could lead here to another's socket.
 */
static bool
foreign(const struct host *host, const struct stat *st)
{
	struct stat home;

	return st->st_nlink > 1 && !trusted(host, st->st_uid) &&
	    (hosts_stat(trail_directory(&host->trail), &home) == -1 ||
	    home.st_uid != st->st_uid);
}

/* Connects to a socket that was found, or says what it is instead. */
static enum refusal
connect_found(const struct host *host, const struct lookup *found,
    enum hosts_ear ear, int *backend, struct place *place)
{
	const struct place	where = *place;
	enum refusal		refusal;

	if (!S_ISSOCK(found->st.st_mode))
		return REFUSAL_NOT_SOCKET;
	if (foreign(host, &found->st))
		return REFUSAL_LINK_FOREIGN;
	refusal = hosts_connect(found->fd, ear, backend);
	if (refusal == REFUSAL_DENIED)
		place_lacks(place, where.at, "", &found->st, 'w');
	return refusal;
}

static size_t
random_below(size_t n)
{
	unsigned int value;

	if (random_take(&value, sizeof(value)) == -1)
		return 0;	/* any order will do */
	return value % n;
}

/* One of the sockets, or a link to one, in a directory of them. */
static enum refusal
connect_member(const struct host *host, const struct trail *trail,
    const char *name, enum hosts_ear ear, int *backend, struct place *place)
{
	const size_t	depth = host->trail.depth;
	const bool	below = trail->depth > depth && trail->fd[depth - 1] ==
			    trail_directory(&host->trail);
	struct lookup	found;
	enum refusal	refusal;

	/* Where it lies elsewhere, its own directory is home to its links. */
	refusal = lookup(trail, below ? depth : trail->depth, name,
	    host->trusted, &found, place);
	if (refusal != REFUSAL_NONE)
		return refusal;
	refusal = connect_found(host, &found, ear, backend, place);
	lookup_close(&found);
	return refusal;
}

/* Gives REFUSAL_NONE and the names, or why not. */
static enum refusal
names_get(struct host *host, const struct lookup *directory,
    struct hosts_names *names, struct place *place)
{
	const struct trail	*trail = &directory->trail;
	struct snapshot		 now;
	enum refusal		 refusal;

	/* One that could not be taken is not remembered. */
	(void)snapshot_take(&now, trail_directory(trail));
	if (!host->patience->waits && listing_known(&now, names))
		return REFUSAL_NONE;
	if (!trail_listable(trail))
		return REFUSAL_RACE;
	if (hosts_list(trail_directory(trail), names) == -1) {
		refusal = hosts_refusal(errno);
		place_lacks(place, trail->text, "", &directory->st, 'r');
		return refusal;
	}
	listing_make(host->listing, &now, names);
	return REFUSAL_NONE;
}

/* The directory was found, and is where the trail ends. */
static enum refusal
connect_one_of(struct host *host, const struct lookup *directory,
    enum hosts_ear ear, int *backend, struct place *place)
{
	const struct trail	*trail = &directory->trail;
	struct hosts_names	 names;
	enum refusal		 refusal = REFUSAL_NO_SOCKET, each;
	size_t			 i;

	each = names_get(host, directory, &names, place);
	if (each != REFUSAL_NONE)
		return each;
	if (names.n > 0)
		refusal = REFUSAL_REFUSED;
	while (names.n > 0 && host->sockets > 0) {
		host->sockets--;
		i = random_below(names.n);
		each = connect_member(host, trail, names.name[i], ear,
		    backend, place);
		if (each == REFUSAL_NONE)
			return REFUSAL_NONE;
		/* One that is merely busy may have room in a moment. */
		if (refusal != REFUSAL_BUSY)
			refusal = each;
		names.name[i] = names.name[--names.n];
	}
	return refusal;
}

enum refusal
host_connect(struct host *host, enum host_entry entry, enum hosts_ear ear,
    int *backend, struct place *place)
{
	const char	*name = entry_names[entry];
	struct lookup	 found;
	enum refusal	 refusal;

	*backend = -1;
	if (absent(host, entry)) {
		place_set(place, host->trail.text, name);
		return REFUSAL_NO_SOCKET;
	}
	refusal = lookup(&host->trail, host->trail.depth, name, host->trusted,
	    &found, place);
	if (refusal == REFUSAL_NO_SOCKET && !found.linked)
		learn_absent(host, entry);
	if (refusal != REFUSAL_NONE)
		return refusal;
	if (S_ISDIR(found.st.st_mode)) {
		refusal = lookup_enter(&found, name, place);
		if (refusal == REFUSAL_NONE)
			refusal = connect_one_of(host, &found, ear, backend,
			    place);
	} else {
		refusal = connect_found(host, &found, ear, backend, place);
	}
	lookup_close(&found);
	return refusal;
}
