/* SPDX-License-Identifier: ISC */
#ifndef USHER_SHARES_H
#define USHER_SHARES_H

/*
 * How many descriptors a child may have (-n): its own, with those of a message
 * on its way in, and so many for each connection.
 */
enum {
	CHILD_SPARE = 64,
	TLS_DESCRIPTORS = 1,	/* the client's */
	HTTP_DESCRIPTORS = 2,	/* client, backend */
	RELAY_DESCRIPTORS = 6,	/* two sockets, two pipes */
	PARSER_CLIENTS_MAX = 4096,
	RELAY_PAIRS_MAX = 65536
};

#endif
