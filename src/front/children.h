/* SPDX-License-Identifier: ISC */
#ifndef USHER_CHILDREN_H
#define USHER_CHILDREN_H

#include "../common/log_record.h"
#include "child.h"

/*
 * The parsers and relays of a shard: the launcher starts them and says so,
 * and starts others when they have ended.
 */

/* What the rest of the front does when something happens to them. */
struct children_listener {
	int	(*verdict)(struct child *, const struct verdict *);
	int	(*report)(struct child *, const struct report *);
	void	(*ready)(struct child *);
	/* a parser was sent the descriptor of this connection */
	void	(*told)(uint32_t id);
	/* it is gone: the connections in its hands */
	void	(*lost)(struct child *);
	/* the number of connections in relays' hands has fallen */
	void	(*ended)(void);
};

/*
 * Places for all of them.  listener is kept.  Each parser has at most so many
 * clients, each relay so many pairs.  Exits 1 when there is no memory.
 */
void	children_make(struct event_base *base,
	    const struct children_listener *listener,
	    const bool wanted[PROTOCOL_COUNT], unsigned int parser_clients,
	    unsigned int relay_pairs);
/* The numbers of their channels, whose contents change; gives how many. */
size_t	children_slots(int slots[2 * PLACES]);
/* The launcher has started one: fds are its control socket and report pipe,
 * which are taken.  Gives -1 when there can be no such child. */
int	children_add(const struct front_order *order, const int fds[2]);
/* There is one of each kind that takes connections. */
bool	children_ready(void);
/* The least loaded that can take a connection, or NULL. */
struct child *child_choose(enum role role, enum protocol protocol);
/* The relay that a parser's connections go to, if that can take one now: of a
 * pair the other, else the least loaded; or NULL. */
struct child *child_pair(const struct child *parser);
/* A relay gets one more connection. */
void	child_took(struct child *relay);
/* Connections in the hands of all relays. */
unsigned int	children_relayed(void);
/* How many of its kind finish what they have. */
unsigned int	children_draining(enum child_kind kind);
/* Its successor is ready, it takes no more connections. */
void	child_drain(struct child *child);
/* It drains and has nothing left: it ends when its control socket does. */
void	child_release_drained(struct child *child);
/* A parser for HTTP is to end what a relay has behind the present exchange. */
void	child_tell_drain(struct child *child);
/* The child did what it must not, which is said: the launcher ends it. */
void	child_kill(struct child *child, enum log_why why);
/* The same without a word. */
void	child_end(struct child *child);
/* A line about it, log_record.h. */
void	child_say(const struct child *child, enum log_why why,
	    unsigned int count, unsigned int value);
/* Calls this for each that is there. */
void	children_each(void (*call)(struct child *, void *), void *arg);

#endif
