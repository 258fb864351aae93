/* SPDX-License-Identifier: ISC */
#ifndef USHER_LINUX_H
#define USHER_LINUX_H

#include <linux/openat2.h>

/* Linux 6.16: does a UNIX socket take descriptors?  0 lets sending fail. */
enum { LINUX_SO_PASSRIGHTS = 83 };

/* Linux 5.12: nothing that is not in the kernel's cache of names; older
 * headers do not have it. */
enum { LINUX_RESOLVE_CACHED = 0x20 };

/*
 * Linux: constants whose addresses the parent's seccomp filter knows.  A
 * filter cannot look behind a pointer, but it can demand that the pointer be
 * that of one of these, which lie in memory that nobody can write: so the
 * parent can ask the kernel these questions about paths and no other.
 */
enum hosts_question {
	HOSTS_ENTRY,		/* what bears the name, be it a link */
	HOSTS_CACHED,		/* the same, without ever waiting */
	HOSTS_LIST,		/* a directory, to read its entries */
	HOSTS_QUESTIONS
};

/* hosts_linux.c: none of them ever leaves the directory or follows a link. */
extern const struct open_how hosts_questions[HOSTS_QUESTIONS];

/* hosts_linux.c: the empty path of readlinkat(2), so that only a link that
 * was opened can be read. */
extern const char hosts_empty_path[];

/* program_linux.c: the empty path of execveat(2), so that only the
 * descriptor says what is executed. */
extern const char program_empty_path[];

#endif
