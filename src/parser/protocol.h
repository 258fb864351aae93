/* SPDX-License-Identifier: ISC */
#ifndef USHER_PROTOCOL_H
#define USHER_PROTOCOL_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../common/message.h"

/*
 * The connections in a parser's hands, from INTAKE_SHOW to the last verdict:
 * the one thing in which the two parsers differ.  tls_client.c or http.c
 * stands behind this, by what is linked.
 */

extern const enum protocol protocol_spoken;
/* Of each connection, at most. */
extern const unsigned int protocol_descriptors;

/* 1: it is one of a pair, with CHILD_GRANT and CHILD_PROGRESS; else 0. */
extern const int protocol_pair;

/* engine is the argument of -e, or NULL.  Gives -1 when there is none such. */
int	protocol_engine(const char *engine);
/* A table for n connections; exits 1 without memory. */
void	protocol_make(struct event_base *loop, size_t n);

/* Is there one with this id? */
bool	protocol_knows(uint32_t id);
/* INTAKE_SHOW: the descriptor is the protocol's from now on.  More than n of
 * them are more than agreed, and end the process. */
void	protocol_show(uint32_t id, int client);
/* INTAKE_BACKEND, the same; of HTTP only. */
void	protocol_attach(uint32_t id, int backend);
/* INTAKE_DROP */
void	protocol_drop(uint32_t id);
/* INTAKE_DRAIN; of HTTP only. */
void	protocol_drain(void);
/* The front is gone: ends the process, once nothing is left to do. */
void	protocol_orphaned(void);

#endif
