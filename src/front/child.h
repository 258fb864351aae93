/* SPDX-License-Identifier: ISC */
#ifndef USHER_CHILD_H
#define USHER_CHILD_H

#include <sys/types.h>

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "../common/launch.h"
#include "../common/message.h"
#include "../common/timeouts.h"

/*
 * A parser or relay as its front sees it.
 */
enum role {
	ROLE_PARSER,
	ROLE_RELAY
};

enum child_state {
	CHILD_NONE,		/* its place is free */
	CHILD_STARTING,		/* has not said that it is confined */
	CHILD_READY,
	CHILD_DRAINING,		/* has a successor, and finishes what it has */
	CHILD_ENDED		/* its end was asked for; to be forgotten */
};

struct child {
	enum child_kind	 kind;
	enum role	 role;
	enum protocol	 protocol;
	unsigned int	 place;
	enum child_state state;
	pid_t		 pid;
	int		 control;	/* slots: numbers that never change */
	int		 report;
	struct event	*reports;
	unsigned int	 load;		/* connections in its hands */
	unsigned int	 shown;		/* parser: without a first verdict */
	unsigned int	 capacity;
	struct child	*pair;		/* the other of a pair, or NULL */
	unsigned int	 refusing;	/* relay for HTTP: connections it has
					 * only to refuse */

	/* channel.c: what goes out at the end of this turn, or when it can: a
	 * ring */
	struct item	*items;
	size_t		 nitems;	/* its size */
	size_t		 first;
	size_t		 waiting;
	bool		 clogged;	/* its socket is full */
	bool		 queued;	/* in the list of those with items */
	TAILQ_ENTRY(child) outgoing;

	/* channel.c: is it alive? */
	struct timeout	 pulse;
	bool		 fed;		/* has got orders since the last ping */
	bool		 pinged;	/* and has not answered */
	unsigned int	 missed;
	int64_t		 ping_cpu;	/* ms it had worked by then */

	/* recycle.c, of a parser */
	unsigned int	 taken;		/* connections since its start */
	struct timeout	 term;
	struct timeouts	*termed;	/* where term is, or NULL */
};

#endif
