/* SPDX-License-Identifier: ISC */
#ifndef USHER_SECCOMP_RULES_H
#define USHER_SECCOMP_RULES_H

/*
 * Linux: the rules that a child and the parent share.  A filter is inherited,
 * and the parent makes its children under its own, so the parent's filter
 * must hold what theirs hold; written once, they cannot drift apart.
 */
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <fcntl.h>

#include "../src/relay/mover.h"
#include "seccomp.h"

/* Parser: parser.c peeks and never takes. */
#define RULE_PEEK							\
	ALLOW_IF(recvfrom, 2,						\
	    ARG(3, EQ, MSG_PEEK | MSG_DONTWAIT),		\
	    ARG(4, EQ, 0))

/* Parser: parser.c waits for what must still come; its own filter allows
 * only the constants of lowat.h.  Parent: connection.c puts it back. */
#define RULE_RCVLOWAT							\
	ALLOW_IF(setsockopt, 3, ARG(1, EQ, SOL_SOCKET),	\
	    ARG(2, EQ, SO_RCVLOWAT), ARG(4, EQ, sizeof(int)))

/* Relay: mover_linux.c. */
#define RULE_SPLICE							\
	ALLOW_IF(splice, 3, ARG(1, EQ, 0),			\
	    ARG(3, EQ, 0),					\
	    ARG(5, EQ, SPLICE_F_NONBLOCK | SPLICE_F_MOVE))
#define RULE_PIPE							\
	ALLOW_IF(pipe2, 1, ARG(1, EQ, O_CLOEXEC | O_NONBLOCK))

#define RULE_PIPE_SIZE							\
	ALLOW_IF(fcntl, 1, ARG(1, EQ, F_GETPIPE_SZ))
#define RULE_PIPE_RESIZE						\
	ALLOW_IF(fcntl, 2, ARG(1, EQ, F_SETPIPE_SZ),			\
	    ARG(2, LE, MOVER_PIPE_GROWN))

/*
 * Relay: pair.c discards unseen.  On TCP, MSG_TRUNC throws the bytes away;
 * the null pointer is there for sockets on which it would not.
 */
#define RULE_DISCARD							\
	ALLOW_IF(recvfrom, 3, ARG(1, EQ, 0),			\
	    ARG(3, EQ, MSG_TRUNC | MSG_DONTWAIT),		\
	    ARG(4, EQ, 0))

/* Parent: PROXY headers, and what relays may send, which is constants only:
 * seccomp_relay.c.  Never to an address. */
#define RULE_SEND							\
	ALLOW_IF(sendto, 2,						\
	    ARG(3, EQ, MSG_NOSIGNAL | MSG_DONTWAIT),		\
	    ARG(4, EQ, 0))

/* Relay: mover_linux.c asks how much a receiver takes. */
#define RULE_MEMINFO							\
	ALLOW_IF(getsockopt, 2, ARG(1, EQ, SOL_SOCKET),	\
	    ARG(2, EQ, SO_MEMINFO))

/* Relay: run.c, half-close; pair.c, goodbye. */
#define RULE_SHUTDOWN	ALLOW(shutdown)

/*
 * Relay: run.c asks whether a side is gone for good, or has more; parent:
 * log.c.  Where there is no poll(2), ppoll(2): its time is behind a pointer,
 * but it gets no signal mask.
 */
#define RULE_POLL							\
	{ EITHER(poll, ppoll), 2, {				\
	    ARG(1, EQ, 1),					\
	    ARG(SCMP_SYS(poll) >= 0 ? 2 : 3, EQ, 0) } }
/* Relay: pair.c, sockatmark(3): splice(2) cannot pass an urgent byte. */
#define RULE_ATMARK	ALLOW_IF(ioctl, 1, ARG(1, EQ, SIOCATMARK))
/* Relay: run.c asks whether a client that has ended had sent more. */
#define RULE_UNREAD	ALLOW_IF(ioctl, 1, ARG(1, EQ, FIONREAD))

#endif
