/* SPDX-License-Identifier: ISC */
#ifndef USHER_WORD_H
#define USHER_WORD_H

#include "../common/message.h"

/*
 * What others say about a pair: the front's legal orders, whose descriptors
 * belong to the relay then, and legal records of usherd-http's.
 */
void	word_relay(const struct order *order, int client, int backend);
void	word_refuse(const struct order *order, int client);
/* An id that is not known has ended while the order was on its way. */
void	word_next(const struct order *order, int backend);
void	word_end(const struct order *order);

enum word_result {
	WORD_TAKEN,		/* or it is about one that has ended */
	WORD_UNKNOWN,		/* no such id; or not yet */
	WORD_EARLY,		/* its backend is not there; or not yet */
	WORD_BREACH		/* it cannot be told that */
};

/*
 * Its serial is the one behind the last that was taken, or it is a breach: one
 * that is missing might have been any.
 *
 * A record for the backend before the present one is legal where it grants
 * nothing, but ends the connection: usherd-http may have said it while
 * ORDER_NEXT was on its way.
 */
enum word_result word_grant(const struct grant *grant);

/* usherd-http says nothing more, and nobody hears progress.  From now on, what
 * the front brings for HTTP ends at once. */
void	word_parser_lost(void);

#endif
