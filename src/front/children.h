/* SPDX-License-Identifier: ISC */
#ifndef USHER_CHILD_H
#define USHER_CHILD_H

#include <sys/types.h>

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "../common/timeouts.h"
#include "../common/message.h"
#include "../usherd/privilege.h"

/*
 * Parsers and relays as the parent sees them: making, feeding, watching,
 * ending and replacing them.
 */
enum role {
	ROLE_PARSER,
	ROLE_RELAY
};

enum child_state {
	CHILD_SPARE,		/* a place for the successor of another */
	CHILD_DOWN,		/* to be started after a pause */
	CHILD_STARTING,		/* has not said that it is confined */
	CHILD_READY,
	CHILD_DRAINING,		/* has a successor, and finishes what it has */
	CHILD_ENDED		/* was ended, and has not been buried yet */
};

struct child {
	enum role	 role;
	enum protocol	 protocol;
	unsigned int	 number;	/* 1 to -j, for people */
	enum child_state state;
	pid_t		 pid;		/* -1 while down */
	int		 control;	/* slots: numbers that never change */
	int		 report;
	struct event	*reports;
	unsigned int	 load;		/* connections in its hands */
	unsigned int	 shown;		/* parser: without a first verdict */
	unsigned int	 capacity;

	/* what goes out at the end of this turn, or when it can: a ring */
	struct item	*items;
	size_t		 nitems;	/* its size */
	size_t		 first;
	size_t		 waiting;
	bool		 clogged;	/* its socket is full */
	bool		 queued;	/* in the list of those with items */
	TAILQ_ENTRY(child) outgoing;

	/* is it alive? */
	struct timeout	 pulse;
	bool		 fed;		/* has got orders since the last ping */
	bool		 pinged;	/* and has not answered */
	unsigned int	 missed;
	int64_t		 ping_cpu;	/* ms it had worked by then */

	/* relay: reports that may yet come about connections that it was told
	 * to forget: before the last ping, and since */
	unsigned int	 belated;
	unsigned int	 belated_new;

	/* recycling, of a parser: recycle.c */
	unsigned int	 taken;		/* connections since its start */
	struct child	*predecessor;	/* whose place it takes when ready */
	struct child	*successor;	/* who is starting to take its own */
	struct timeout	 term;
	struct timeouts	*termed;	/* where term is, or NULL */

	/* replacement */
	int64_t		 started;	/* ms */
	unsigned int	 failures;	/* that came soon after a start */
	struct event	*restart;
};

/* What the rest of the parent does with the children's words; 0, or -1 when
 * the child broke the rules with them. */
struct child_listener {
	int	(*verdict)(struct child *, const struct verdict *);
	int	(*report)(struct child *, const struct report *);
	/* a child died: the connections in its hands */
	void	(*lost)(struct child *);
	/* the number of connections in relays' hands has fallen */
	void	(*ended)(void);
};

struct child_settings {
	const struct child_listener	*listener;
	const struct privilege		*privilege;
	const char			*engine;	/* -T */
	int				 programs[3];	/* tls, http, relay */
	unsigned int			 parser_clients; /* each, at most */
	unsigned int			 relay_pairs;
	size_t				 relay_pipes;	/* bytes, each */
	unsigned int			 recycle;	/* -N */
};

enum { PROGRAM_TLS, PROGRAM_HTTP, PROGRAM_RELAY, PROGRAMS };

/* children.c; settings are kept. */

/* Room for n parsers and n relays of each wanted protocol. */
void	children_make(struct event_base *base,
	    const struct child_settings *settings,
	    const bool wanted[PROTOCOL_COUNT], unsigned int n);
/* Starts them.  Exits 1 when the system has no room for them. */
void	children_start(void);
/* All have said that they are confined and ready. */
bool	children_ready(void);
/* Asks the system which children have ended or stopped (SIGCHLD). */
void	children_reap(void);
/* No child is replaced any more. */
void	children_finish(void);
/* A place for one parser more, or NULL. */
struct child *child_spare(enum protocol protocol);
/* Starts it.  Gives -1 with errno when the system has no room for it. */
int	child_start(struct child *child);
/* The least loaded that can take a connection, or NULL. */
struct child *child_choose(enum role role, enum protocol protocol);
/* Connections in the hands of all relays. */
unsigned int	children_relayed(void);
/* The child did what it must not: it is killed, and replaced when reaped. */
void	child_kill(struct child *child, const char *why);
/* The same without a word. */
void	child_end(const struct child *child);
/* "tls parser 2 (pid 4711)" */
const char *child_name(const struct child *child);

/* channel.c */

void	channel_begin(struct event_base *base,
	    const struct child_listener *listener);
/* A child starts or has ended: nothing is pending for it, none pinged. */
void	channel_reset(struct child *child);
/* Its report pipe is readable: event callback. */
void	channel_reports(evutil_socket_t fd, short what, void *child);
/*
 * Puts a word on the way to a parser: kind is INTAKE_SHOW, with a client that
 * stays the caller's, or INTAKE_LOOK or INTAKE_DROP, with -1.
 */
void	channel_intake(struct child *parser, enum intake_kind kind, uint32_t id,
	    int client);
/* Is INTAKE_SHOW for this id still on the way, so that the parser cannot have
 * seen the client? */
bool	channel_unsaid(const struct child *parser, uint32_t id);
/* A relay has reported on a connection that it does not hold: it may have
 * crossed our last word.  Gives -1 when there are too many of these. */
int	channel_belated(struct child *relay);
/* Puts an order on the way to a relay; the descriptors are taken, -1: none. */
void	channel_order(struct child *relay, const struct order *order,
	    int client, int backend);

#endif
