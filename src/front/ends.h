/* SPDX-License-Identifier: ISC */
#ifndef USHER_ENDS_H
#define USHER_ENDS_H

#include <netinet/in.h>

/* The two ends of an accepted connection; AF_INET or AF_INET6. */
struct ends {
	struct sockaddr_in6	client;
	struct sockaddr_in6	listener;
	unsigned int		changed;	/* tcp_options_off() */
};

#endif
