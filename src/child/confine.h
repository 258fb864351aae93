/* SPDX-License-Identifier: ISC */
#ifndef USHER_CONFINE_H
#define USHER_CONFINE_H

#include <sys/types.h>

/*
 * How a child gives up its rights, from exec to the sandbox.  The launcher
 * says in the child's arguments what applies:
 *
 *   -c		chroot into CHILD_EMPTY
 *   -g		one of a pair: has CHILD_GRANT and CHILD_PROGRESS
 *   -i UID:GID	become that user and group, with no other group
 *   -n N	at most N open descriptors
 *   -e NAME	how to read hellos (usherd-tls), the
 *		protocol to refuse in (usherd-relay), or
 *		"steps", to take LOG_STEP (usherd-log)
 *	-p N	at most N bytes of pipes (usherd-relay)
 */
struct confinement {
	const char	*name;		/* argv[0] */
	const char	*engine;	/* NULL: none given */
	unsigned long	 descriptors;
	unsigned long	 pipes;		/* 0: none given */
	uid_t		 uid;
	gid_t		 gid;
	int		 change_ids;
	int		 change_root;
	int		 pair;
	int		 files;		/* the log: stderr may be a file;
					 * not an argument */
};

/* Memory that a child may have for each descriptor, its part of libevent's
 * tables included (some 100 bytes). */
enum { MEMORY_PER_DESCRIPTOR = 1024 };

/* Reads the arguments; exits 1 with a line on stderr when they are wrong. */
void	confine_options(struct confinement *confinement, int argc,
	    char *argv[]);

/*
 * Does all of it but the sandbox, which the caller enters next, with the
 * function of its own role.  Exits 1 with a line on stderr when anything
 * fails: nothing is forgiven.
 */
void	confine(const struct confinement *confinement);

/*
 * Once the loop is there: what is open from now on has a number from
 * CHILD_FIRST_CLIENT on, because those below are taken, by /dev/null where
 * nothing else is.  Exits 1 when that fails.
 */
void	confine_fill(void);

/*
 * The last step, once nothing can fail any more: stderr becomes /dev/null, so
 * that a relay could not even splice(2) into the log.
 */
void	confine_silence(void);

#endif
