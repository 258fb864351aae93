/* SPDX-License-Identifier: ISC */
/*
 * libevent's event_base refers to the resolver, which would pull name
 * services, and with them dlopen(3), into a static program.  A child can
 * open neither socket nor file and never resolves anything, so it is linked
 * with dead ends instead: what is not linked cannot be called.
 */
#include <sys/socket.h>

#include <netdb.h>
#include <stddef.h>

int
getaddrinfo(const char *restrict node, const char *restrict service,
    const struct addrinfo *restrict hints, struct addrinfo **restrict result)
{
	(void)node;
	(void)service;
	(void)hints;
	*result = NULL;
	return EAI_FAIL;
}

void
freeaddrinfo(struct addrinfo *list)
{
	(void)list;
}

const char *
gai_strerror(int error)
{
	(void)error;
	return "no resolver";
}

struct servent *
getservbyname(const char *name, const char *protocol)
{
	(void)name;
	(void)protocol;
	return NULL;
}

struct protoent *
getprotobynumber(int number)
{
	(void)number;
	return NULL;
}
