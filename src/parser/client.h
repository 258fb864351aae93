/* SPDX-License-Identifier: ISC */
#ifndef USHER_CLIENT_H
#define USHER_CLIENT_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../common/message.h"

/*
 * The connections in a parser's hands, from INTAKE_SHOW to the last verdict.
 */

/* A table for n connections; exits 1 without memory. */
void	clients_make(struct event_base *loop, size_t n);
/* One that the front shows us: the copy is the client's from now on. */
void	client_begin(int fd, uint32_t id);
/* INTAKE_LOOK or INTAKE_DROP. */
void	client_word(uint32_t id, enum intake_kind kind);
/* Is there one with this id? */
bool	client_known(uint32_t id);

#endif
