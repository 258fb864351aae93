/* SPDX-License-Identifier: ISC */
#ifndef USHER_SLOTS_H
#define USHER_SLOTS_H

/*
 * A front's own descriptors (what it was started with, pipes and sockets of
 * children, the event loop) all have numbers below SLOTS_BASE, and every such
 * number is always in use, by /dev/null if by nothing better.  So whatever
 * accept(2) and connect(2) give has a number from SLOTS_BASE on, and the
 * sandbox can tell by the number what may be read.
 */
enum {
	SLOTS_BASE = 512,
	SLOTS_END = 480		/* above: what sockets are connected by */
};

/* Exits 1 when something was inherited that is not known: every descriptor
 * from first on must be closed. */
void	slots_make(int first);
/* A number of ours whose contents slot_put() may change. */
int	slot_new(void);
/* Fills the rest; after everything of ours is open.  Exits 1 when one of
 * ours has not found room. */
void	slots_fill(void);
/* fd takes the place of what was in the slot; fd itself is closed. */
void	slot_put(int slot, int fd);
/* The slot holds /dev/null again. */
void	slot_empty(int slot);
/* What slot_empty() puts there, which is open under this number. */
int	slot_nothing(void);

#endif
