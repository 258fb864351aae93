/* SPDX-License-Identifier: ISC */
#ifndef USHER_RELAY_H
#define USHER_RELAY_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stddef.h>
#include <stdint.h>

#include "../common/message.h"
#include "../common/refusal.h"

/* relay.c: the loop. */
extern struct event_base *relay_base;

/* One connection has ended, for the next report to the parent. */
void	relay_ended(void);

/* pair.c: a table for so many connections; exits 1 without memory. */
void	pair_table(size_t n);
/* Begins to move between two sockets, which now belong to the pair. */
void	pair_relay(int client, int backend, uint64_t grant);
/* Answers with n constant bytes, says goodbye, closes. */
void	pair_refuse(int client, const void *answer, size_t n);

/* answer.c: the constant for a refusal in a protocol; *size its bytes. */
const void *answer_find(enum protocol protocol, unsigned int refusal,
    size_t *size);

#endif
