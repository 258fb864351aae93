/* SPDX-License-Identifier: ISC */
#ifndef USHER_BACKEND_H
#define USHER_BACKEND_H

#include <netinet/in.h>
#include <stdbool.h>

#include "../common/hostname.h"
#include "../common/message.h"
#include "../common/refusal.h"

/* What a client asked for, as far as it matters for where it goes. */
struct errand {
	enum protocol		 protocol;
	const struct hostname	*name;		/* NULL: none given */
	bool			 acme;		/* ALPN acme-tls/1 alone */
};

/* The two ends of an accepted connection; AF_INET or AF_INET6. */
struct ends {
	struct sockaddr_in6	client;
	struct sockaddr_in6	listener;
};

/*
 * Finds the tenant and connects to it: acme-socket for an acme errand where
 * there is one, else tls-socket or http-socket.  Where the host asks for a
 * PROXY header, it has been sent when this returns, before any other byte.
 * Gives REFUSAL_NONE and a connected socket for the caller, or why not.
 */
enum refusal	backend_open(const struct errand *errand,
		    const struct ends *ends, int *backend);

#endif
