/* SPDX-License-Identifier: ISC */
#ifndef USHER_RELAY_H
#define USHER_RELAY_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../sandbox/sandbox.h"
#include "../common/message.h"
#include "../common/refusal.h"

/* relay.c: the loop. */
extern struct event_base	*relay_base;
extern enum protocol		 relay_protocol;

/* For the next report to the parent. */
void	relay_report(enum report_kind kind, uint32_t value);
/* One connection has ended. */
void	relay_ended(void);

/* pair.c: a table for so many connections; exits 1 without memory. */
void	pair_table(size_t n);
/* Begins to move between two sockets, which now belong to the pair. */
void	pair_relay(const struct order *order, int client, int backend);
/* Answers with a constant, says goodbye, closes. */
void	pair_refuse(int client, unsigned int refusal);

/* word.c: later orders about a pair; backend is taken, -1 for none. */
void	word_grant(const struct order *order);
void	word_next(const struct order *order, int backend);
void	word_end(const struct order *order);

/* order.c: may this be said to a relay of this protocol? */
bool	order_allowed(const struct order *order, enum protocol protocol);

/* answer.c: the constant for a refusal in a protocol; *size its bytes. */
const void *answer_find(enum protocol protocol, unsigned int refusal,
    size_t *size);
/* All constants that answer_find() gives in a protocol, each once; list has
 * room for REFUSAL_COUNT.  Gives how many. */
size_t	answers_list(enum protocol protocol, struct sandbox_constant *list);

#endif
