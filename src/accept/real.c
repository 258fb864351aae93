/* SPDX-License-Identifier: ISC */
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <unistd.h>

#include "complain.h"
#include "real.h"

static struct real	calls;
static pthread_once_t	once = PTHREAD_ONCE_INIT;

static void *
find(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (found == NULL) {
		complain("the C library has no %s()", name);
		_exit(1);
	}
	return found;
}

static void
find_all(void)
{
	calls.accept = find("accept");
	calls.accept4 = find("accept4");
	calls.bind = find("bind");
	calls.chmod = find("chmod");
	calls.chown = find("chown");
	calls.fchmodat = find("fchmodat");
	calls.fchownat = find("fchownat");
	calls.getpeername = find("getpeername");
	calls.getsockname = find("getsockname");
	calls.getsockopt = find("getsockopt");
	calls.lchown = find("lchown");
	calls.listen = find("listen");
	calls.remove = find("remove");
	calls.setsockopt = find("setsockopt");
	calls.unlink = find("unlink");
	calls.unlinkat = find("unlinkat");
}

const struct real *
real(void)
{
	if (pthread_once(&once, find_all) != 0)
		_exit(1);	/* cannot happen to a valid object */
	return &calls;
}

int
__wrap_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
	return real()->accept4(fd, address, size, flags);
}

int
__wrap_getpeername(int fd, struct sockaddr *address, socklen_t *size)
{
	return real()->getpeername(fd, address, size);
}

int
__wrap_getsockname(int fd, struct sockaddr *address, socklen_t *size)
{
	return real()->getsockname(fd, address, size);
}

int
__wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
	return real()->getsockopt(fd, level, name, value, size);
}
