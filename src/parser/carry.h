/* SPDX-License-Identifier: ISC */
#ifndef USHER_CARRY_H
#define USHER_CARRY_H

#include "exchange.h"

/*
 * An exchange from when its request is read and its backend is there to when
 * both have moved: EXCHANGE_OPEN, and then EXCHANGE_NEXT, or it has ended.
 */

/* From now on an exchange is the last of its connection. */
void	carry_drain(void);

void	carry_begin(struct exchange *exchange);

/* In EXCHANGE_OPEN: */
/* A look at the client's side is due. */
void	carry_client(struct exchange *exchange);
/* A look at the tenant's side is due. */
void	carry_backend(struct exchange *exchange);
/* The relay has moved more of it. */
void	carry_moved(struct exchange *exchange, const struct progress *progress);

#endif
