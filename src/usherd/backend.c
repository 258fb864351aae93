/* SPDX-License-Identifier: ISC */
#include <sys/random.h>
#include <sys/socket.h>

#include <string.h>
#include <unistd.h>

#include "backend.h"
#include "hosts.h"
#include "proxy.h"
#include "unpicked.h"

enum { SWAPS_MAX = 32 };	/* of a host while one connection is routed */

/* v2 wins where a host asks for both: a connection has one header. */
enum header_kind {
	HEADER_NONE,
	HEADER_V1,
	HEADER_V2
};

static enum header_kind
header_wanted(const struct host *host)
{
	if (host_has(host, "send-proxy-v2"))
		return HEADER_V2;
	if (host_has(host, "send-proxy-v1"))
		return HEADER_V1;
	return HEADER_NONE;
}

/* Gives -1 when the tenant does not take it whole. */
static int
header_send(enum header_kind kind, const struct errand *errand,
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
		if (getrandom(id, sizeof(id), 0) != (ssize_t)sizeof(id))
			return -1;
		proxy_v2(&header, client, listener, errand->name, id);
	}
	/* The buffer of a new connection is empty: it takes all or nothing. */
	return send(backend, header.bytes, header.size,
	    MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)header.size ? 0 : -1;
}

static const char *
handoff_name(const struct errand *errand)
{
	return errand->protocol == PROTOCOL_TLS ? "tls-handoff" :
	    "http-handoff";
}

/* A tenant who leaves hand-offs lying gets no more of them for now. */
static enum refusal
connect_handoff(const struct host *host, const char *entry,
    struct found *found)
{
	if (host_tenant(host, &found->tenant) == -1)
		return REFUSAL_UNREACHABLE;
	if (!unpicked_room(&found->tenant))
		return host_has(host, entry) ? REFUSAL_UNPICKED :
		    REFUSAL_NO_SOCKET;
	return host_connect(host, entry, HOSTS_DEAF, &found->socket);
}

static enum refusal
try_handoff(const struct host *host, const struct errand *errand,
    const char *entry, struct found *found)
{
	enum refusal refusal = REFUSAL_NO_SOCKET;

	switch (errand->handoff) {
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

static enum refusal
connect_socket(const struct host *host, const struct errand *errand,
    const char *handoff, struct found *found)
{
	enum refusal refusal;

	refusal = host_connect(host, errand->protocol == PROTOCOL_TLS ?
	    "tls-socket" : "http-socket", HOSTS_HEARS, &found->socket);
	return refusal == REFUSAL_NO_SOCKET && host_has(host, handoff) ?
	    REFUSAL_REFUSED : refusal;
}

static enum refusal
connect_entry(const struct host *host, const struct errand *errand,
    struct found *found)
{
	const char	*handoff = handoff_name(errand);
	enum refusal	 refusal;

	if (errand->acme) {
		refusal = host_connect(host, "acme-socket", HOSTS_HEARS,
		    &found->socket);
		if (refusal != REFUSAL_NO_SOCKET)
			return refusal;
	}
	refusal = try_handoff(host, errand, handoff, found);
	if ((refusal != REFUSAL_NO_SOCKET && refusal != REFUSAL_REFUSED) ||
	    errand->handoff == HANDOFF_ONLY)
		return refusal;
	return connect_socket(host, errand, handoff, found);
}

/* One look at the host as it is now. */
static enum refusal
host_try(const struct host *host, const struct errand *errand,
    const struct ends *ends, struct found *found)
{
	enum header_kind	kind;
	enum refusal		refusal;

	refusal = connect_entry(host, errand, found);
	/* A server that was just replaced: its successor is there by now. */
	if (refusal == REFUSAL_REFUSED)
		refusal = connect_entry(host, errand, found);
	/* A relay has the connection; one of its own could be handed off. */
	if (refusal == REFUSAL_REFUSED && errand->handoff == HANDOFF_NEVER &&
	    host_has(host, handoff_name(errand)))
		refusal = REFUSAL_MISDIRECTED;
	if (refusal != REFUSAL_NONE || found->handoff)
		return refusal;
	kind = header_wanted(host);
	if (kind == HEADER_NONE ||
	    header_send(kind, errand, ends, found->socket) == 0)
		return REFUSAL_NONE;
	(void)close(found->socket);	/* nothing was said on it */
	found->socket = -1;
	return REFUSAL_UNREACHABLE;
}

enum refusal
backend_open(const struct errand *errand, const struct ends *ends,
    struct found *found)
{
	enum refusal	refusal;
	struct host	host;
	bool		moved;
	int		swap;

	found->socket = -1;
	found->handoff = false;
	for (swap = 0; swap < SWAPS_MAX; swap++) {
		refusal = host_open(&host, errand->name);
		if (refusal != REFUSAL_NONE)
			return refusal;
		refusal = host_try(&host, errand, ends, found);
		/* What failed may be of a deployment that is over. */
		moved = refusal != REFUSAL_NONE && host_moved(&host);
		host_close(&host);
		if (!moved)
			break;
	}
	return refusal;
}
