/* SPDX-License-Identifier: ISC */
#ifndef USHER_CLIENT_H
#define USHER_CLIENT_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../common/message.h"

/* parser.c: the loop. */
extern struct event_base	*parser_base;

/* For the parent, with what else is said in this turn of the loop. */
void	parser_say(const struct verdict *verdict);

/* client.c: a table for n connections; exits 1 without memory. */
void	clients_make(size_t n);
/* One that the parent shows us: the copy is the client's from now on. */
void	client_begin(int fd, uint32_t id);
/* INTAKE_LOOK or INTAKE_DROP. */
void	client_word(uint32_t id, enum intake_kind kind);
/* Is there one with this id? */
bool	client_known(uint32_t id);

#endif
