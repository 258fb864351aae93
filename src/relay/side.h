/* SPDX-License-Identifier: ISC */
#ifndef USHER_SIDE_H
#define USHER_SIDE_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * One socket of a connection: the client's or the backend's.  What it is good
 * for is found out by trying; it is watched for no more than what was once
 * found wanting, because every segment that a peer reads makes its socket
 * writable anew, and every wake-up for nothing costs.
 */
struct side {
	struct event	event;
	int		fd;		/* -1: none */
	short		watched;	/* EV_READ, EV_WRITE, EV_CLOSED */
	bool		readable : 1;	/* false once it gave EAGAIN */
	bool		writable : 1;
	bool		closed : 1;	/* EV_CLOSED: its peer has ended */
	bool		bounded : 1;	/* mover_bound() */
	bool		backend : 1;	/* else it is the client's */
};

/* news is called when one has become readable or writable, or has ended. */
void	sides_make(struct event_base *base, void (*news)(struct side *));

/* The socket is the side's now; it is not watched yet. */
void	side_begin(struct side *side, int fd);
/* Closes it, if there is one.  copies: others may hold some of it, for which
 * close(2) alone would keep the connection open. */
void	side_close(struct side *side, bool copies);
/* From now on the side is watched for this, too.  Gives -1 where the system
 * has no memory for that. */
int	side_want(struct side *side, short what);
/* Of one that has ended (closed): has it ended altogether, and takes no more
 * either? */
bool	side_gone(const struct side *side);
/* Has it been reset?  One that both have ended is not: it may have bytes. */
bool	side_broken(const struct side *side);
/* Has it more bytes than so many that nobody has taken in yet? */
bool	side_unread(const struct side *side, uint64_t granted);

#endif
