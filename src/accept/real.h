/* SPDX-License-Identifier: ISC */
#ifndef USHER_REAL_H
#define USHER_REAL_H

/*
 * The functions that preload.c and preload_path.c put themselves before, as
 * the C library (or the next preloaded library) has them.  All files here call
 * them by this, so that nothing comes back to us.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>

struct real {
	int	(*accept)(int, struct sockaddr *, socklen_t *);
	int	(*accept4)(int, struct sockaddr *, socklen_t *, int);
	int	(*bind)(int, const struct sockaddr *, socklen_t);
	int	(*chmod)(const char *, mode_t);
	int	(*chown)(const char *, uid_t, gid_t);
	int	(*fchmodat)(int, const char *, mode_t, int);
	int	(*fchownat)(int, const char *, uid_t, gid_t, int);
	int	(*getpeername)(int, struct sockaddr *, socklen_t *);
	int	(*getsockname)(int, struct sockaddr *, socklen_t *);
	int	(*getsockopt)(int, int, int, void *, socklen_t *);
	int	(*lchown)(const char *, uid_t, gid_t);
	int	(*listen)(int, int);
	int	(*remove)(const char *);
	int	(*setsockopt)(int, int, int, const void *, socklen_t);
	int	(*unlink)(const char *);
	int	(*unlinkat)(int, const char *, int);
};

/*
 * Never NULL, nor are its members: a process in which they cannot be found is
 * ended.  May be called at any time, also before the constructors have run.
 */
const struct real	*real(void);

/*
 * What usher_accept.c gets for its calls, which knows nothing of this: the
 * linker renames them (--wrap of ld(1), src/build.mk).
 */
int	__wrap_accept4(int, struct sockaddr *, socklen_t *, int);
int	__wrap_getpeername(int, struct sockaddr *, socklen_t *);
int	__wrap_getsockname(int, struct sockaddr *, socklen_t *);
int	__wrap_getsockopt(int, int, int, void *, socklen_t *);

#endif
