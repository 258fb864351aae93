/* SPDX-License-Identifier: ISC */
#include <sys/socket.h>

#include <string.h>
#include <unistd.h>

#include "backend.h"
#include "handoff.h"
#include "hosts.h"
#include "proxy.h"
#include "random.h"

enum { LOOKS_MAX = 2 };	/* at a host that changes under our eyes */

/* v2 wins where a host asks for both: a connection has one header. */
enum header_kind {
	HEADER_NONE,
	HEADER_V1,
	HEADER_V2
};

/* The kinds of entries that a host may have, by the word they begin with. */
struct entries {
	enum host_entry	handoff;
	enum host_entry	socket;
	enum host_entry	proxy_v1;
	enum host_entry	proxy_v2;
	bool		plain;		/* send-proxy-v1 and -v2 count, too */
};

static const struct entries tls_entries = {
	HOST_TLS_HANDOFF, HOST_TLS_SOCKET, HOST_TLS_PROXY_V1, HOST_TLS_PROXY_V2,
	true
};

static const struct entries http_entries = {
	HOST_HTTP_HANDOFF, HOST_HTTP_SOCKET, HOST_HTTP_PROXY_V1,
	HOST_HTTP_PROXY_V2, true
};

/* What answers challenges mostly does not expect a header: tls and http do
 * not speak for it. */
static const struct entries acme_entries = {
	HOST_ACME_HANDOFF, HOST_ACME_SOCKET, HOST_ACME_PROXY_V1,
	HOST_ACME_PROXY_V2, false
};

static const struct entries *
entries_of(const struct target *target)
{
	return target->protocol == PROTOCOL_TLS ? &tls_entries : &http_entries;
}

static enum header_kind
header_wanted(struct host *host, const struct entries *entries)
{
	if (host_has(host, entries->proxy_v2) ||
	    (entries->plain && host_has(host, HOST_PROXY_V2)))
		return HEADER_V2;
	if (host_has(host, entries->proxy_v1) ||
	    (entries->plain && host_has(host, HOST_PROXY_V1)))
		return HEADER_V1;
	return HEADER_NONE;
}

/* Gives -1 when the tenant does not take it whole. */
static int
header_send(enum header_kind kind, const struct target *target,
    const struct ends *ends, int backend)
{
	const struct sockaddr	*client, *listener;
	struct proxy_header	 header;
	uint8_t			 id[PROXY_ID_SIZE];

	client = (const struct sockaddr *)&ends->client;
	listener = (const struct sockaddr *)&ends->listener;
	if (kind == HEADER_V1) {
		proxy_v1(&header, client, listener);
	} else {
		if (random_take(id, sizeof(id)) == -1)
			return -1;
		proxy_v2(&header, client, listener, target->name, id);
	}
	/* The buffer of a new connection is empty: it takes all or nothing. */
	return send(backend, header.bytes, header.size,
	    MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)header.size ? 0 : -1;
}

/* A tenant who leaves hand-offs lying gets no more of them for now. */
static enum refusal
connect_handoff(struct host *host, enum host_entry entry,
    struct found *found)
{
	if (!found->patience.waits && !handoff_room(&found->tenant))
		return host_has(host, entry) ? REFUSAL_UNPICKED :
		    REFUSAL_NO_SOCKET;
	return host_connect(host, entry, HOSTS_DEAF, &found->socket,
	    &found->place);
}

static enum refusal
try_handoff(struct host *host, const struct target *target,
    enum host_entry entry, struct found *found)
{
	enum refusal refusal = REFUSAL_NO_SOCKET;

	switch (target->handoff) {
	case HANDOFF_FIRST:
	case HANDOFF_ONLY:
		refusal = connect_handoff(host, entry, found);
		break;
	case HANDOFF_ASK:
		if (host_has(host, entry))
			refusal = REFUSAL_NONE;
		break;
	case HANDOFF_OVER:
	case HANDOFF_NEVER:
		break;
	}
	found->handoff = refusal == REFUSAL_NONE;
	return refusal;
}

/*
 * To a -socket, with its header.  Nobody listens on its -handoff: then
 * that is what is said where there is no -socket.
 */
static enum refusal
connect_socket(struct host *host, const struct target *target,
    const struct entries *entries, const struct ends *ends,
    struct found *found)
{
	enum header_kind	kind;
	enum refusal		refusal;

	/* First: once it is connected, nothing may turn out to be cold. */
	kind = header_wanted(host, entries);
	refusal = host_connect(host, entries->socket, HOSTS_HEARS,
	    &found->socket, &found->place);
	if (refusal == REFUSAL_NO_SOCKET && host_has(host, entries->handoff))
		return REFUSAL_REFUSED;
	if (refusal != REFUSAL_NONE)
		return refusal;
	if (kind == HEADER_NONE ||
	    header_send(kind, target, ends, found->socket) == 0)
		return REFUSAL_NONE;
	(void)close(found->socket);	/* nothing was said on it */
	found->socket = -1;
	return REFUSAL_PROXY_ROOM;
}

static enum refusal
connect_entry(struct host *host, const struct target *target,
    const struct entries *entries, const struct ends *ends,
    struct found *found)
{
	enum refusal refusal;

	refusal = try_handoff(host, target, entries->handoff, found);
	if ((refusal != REFUSAL_NO_SOCKET && refusal != REFUSAL_REFUSED) ||
	    target->handoff == HANDOFF_ONLY)
		return refusal;
	return connect_socket(host, target, entries, ends, found);
}

static enum refusal
connect_host(struct host *host, const struct target *target,
    const struct ends *ends, struct found *found)
{
	enum refusal refusal;

	if (target->acme) {
		refusal = connect_entry(host, target, &acme_entries, ends,
		    found);
		if (refusal != REFUSAL_NO_SOCKET)
			return refusal;
	}
	return connect_entry(host, target, entries_of(target), ends, found);
}

/* One look at the host as it is now. */
static enum refusal
host_try(struct host *host, const struct target *target,
    const struct ends *ends, struct found *found)
{
	enum refusal refusal;

	refusal = connect_host(host, target, ends, found);
	/* A server that was just replaced: its successor is there by now. */
	if (refusal == REFUSAL_REFUSED || refusal == REFUSAL_NO_SOCKET) {
		(void)host_refresh(host);	/* then nothing is remembered */
		refusal = connect_host(host, target, ends, found);
	}
	/* A relay has the connection; one of its own could be handed off. */
	if (refusal == REFUSAL_REFUSED && target->handoff == HANDOFF_NEVER &&
	    host_has(host, entries_of(target)->handoff))
		refusal = REFUSAL_MISDIRECTED;
	return refusal;
}

/* Two looks at most, as far as one may wait for them. */
static enum refusal
backend_look(const struct target *target, const struct ends *ends,
    struct found *found)
{
	enum refusal	refusal;
	struct host	host;
	bool		moved;
	int		look;

	host.patience = &found->patience;
	host.listing = &found->listing;
	host.sockets = HOST_SOCKETS_MAX;
	for (look = 0; look < LOOKS_MAX; look++) {
		refusal = host_open(&host, target->name, &found->place);
		memcpy(found->entry, host.key, sizeof(found->entry));
		if (refusal != REFUSAL_NONE)
			return refusal;
		found->tenant = host.missing.at.of;
		found->trusted = host.trusted;
		refusal = host_try(&host, target, ends, found);
		found->missing = host.missing;
		/* What failed may be of a deployment that is over. */
		moved = refusal != REFUSAL_NONE && host_moved(&host);
		host_close(&host);
		if (!moved)
			return refusal;
	}
	return REFUSAL_RACE;
}

enum refusal
backend_open(const struct target *target, const struct ends *ends,
    bool waits, struct found *found)
{
	memset(found, 0, sizeof(*found));	/* nothing to be learnt, too */
	found->socket = -1;
	found->patience.waits = waits;
	return backend_look(target, ends, found);
}
