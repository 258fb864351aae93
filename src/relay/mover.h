/* SPDX-License-Identifier: ISC */
#ifndef USHER_MOVER_H
#define USHER_MOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Moves bytes from one socket to another without their passing through this
 * process: they rest in a pipe for as long as the receiver will not take
 * them.  A pipe is borrowed when bytes come and given back when it is empty,
 * so an idle connection has none.  mover_linux.c: splice(2).
 *
 * What all pipes of a user may have is limited by the system, and whoever is
 * beyond that gets pipes of two pages, which makes everybody slow.  So a relay
 * has a share, and receivers that do not read must not keep it:
 *
 *	lent		what is taken in
 *	below 1/4	as much as the pipe holds, which grows when found full
 *	below 3/4	as much as the receiver has room for, so that one that is
 *			full has no pipe; where something is left in one all the
 *			same, it is cut down to that
 *	from 3/4 on	the same, but a page at most
 *
 * A pipe that has grown is cut down to its first size whenever its receiver is
 * full and it does not need more.
 */
struct load {
	int		pipe[2];	/* -1 while nothing is held */
	size_t		held;		/* bytes in the pipe */
	size_t		size;		/* that there is room for in it */
};

enum moved {
	MOVED_SOME,		/* go on */
	MOVED_NONE,		/* the socket is not ready */
	MOVED_END,		/* fill: the sender has ended */
	MOVED_BROKEN,		/* the socket is of no more use that way */
	MOVED_STARVED		/* no pipe to be had: try later */
};

/* Linux: a pipe has the first size when it is made, and the second once it
 * was found full; the sandbox knows the second. */
enum {
	MOVER_PIPE_SIZE = 64 * 1024,
	MOVER_PIPE_GROWN = 128 * 1024
};

/* What mover_bound() sets TCP_NOTSENT_LOWAT to; the sandbox knows its
 * address. */
extern const int mover_notsent;

/* All pipes together may have so many bytes. */
void		mover_make(size_t share);

void		mover_empty(struct load *load);	/* a load with nothing */

/* So much is lent that receivers must be asked for their room. */
bool		mover_tight(void);
/* So many bytes a socket takes at once. */
size_t		mover_room(int to);
/*
 * To a TCP socket: from now on it takes no more than some that have not been
 * sent.  A receiver that reads gets its bytes no later, and for one that does
 * not they stay with the sender.
 */
void		mover_bound(int to);

/*
 * Takes up to *limit bytes, and no more than the receiver has room for, from
 * the socket into an empty load, and takes them off *limit unless that is
 * GRANT_UNLIMITED.
 */
enum moved	mover_fill(struct load *load, int from, uint64_t *limit,
		    size_t room);
/* Gives what is held to the socket, and adds how much to *moved.  Returns the
 * pipe when it is empty. */
enum moved	mover_drain(struct load *load, int to, uint64_t *moved);
/* Throws away what is held. */
void		mover_drop(struct load *load);
/* Closes the pipes that nobody has borrowed. */
void		mover_trim(void);

#endif
