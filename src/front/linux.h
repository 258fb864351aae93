/* SPDX-License-Identifier: ISC */
#ifndef USHER_LINUX_H
#define USHER_LINUX_H

#include <sys/un.h>

#include <linux/openat2.h>

#include "hosts_system.h"

/* Linux 6.16: does a UNIX socket take descriptors?  0 lets sending fail. */
enum { LINUX_SO_PASSRIGHTS = 83 };

/* Linux 5.12: nothing that is not in the kernel's cache of names; older
 * headers do not have it. */
enum { LINUX_RESOLVE_CACHED = 0x20 };

/*
 * Linux: constants whose addresses the front's seccomp filter knows.  A
 * filter cannot look behind a pointer, but it can demand that the pointer be
 * that of one of these, which lie in memory that nobody can write: so the
 * front can ask the kernel these questions about paths and no other.
 */
enum hosts_question {
	HOSTS_ENTRY,		/* what bears the name, be it a link */
	HOSTS_CACHED,		/* the same, without ever waiting */
	HOSTS_LIST,		/* a directory, to read its entries */
	HOSTS_QUESTIONS
};

/* hosts_linux.c: none of them ever leaves the directory or follows a link. */
extern const struct open_how hosts_questions[HOSTS_QUESTIONS];

/* hosts_linux.c: the empty path of readlinkat(2) and newfstatat(2), so that
 * only what was opened can be asked about. */
extern const char hosts_empty_path[];

/*
 * hosts_linux.c: the addresses of connect(2), "/proc/self/fd/491" and on.  A
 * tenant's socket that was opened is put on one of these numbers to be
 * connected to, each thread that connects on its own: so the front can connect
 * to what was opened below hosts/ and to nothing else.
 */
enum {
	HOSTS_CONNECTORS = HOSTS_THREADS,
	HOSTS_CONNECTORS_END = 500,		/* SLOTS_FIXED */
	HOSTS_CONNECTORS_FIRST = HOSTS_CONNECTORS_END - HOSTS_CONNECTORS
};

extern const struct sockaddr_un hosts_addresses[HOSTS_CONNECTORS];

#endif
