/* SPDX-License-Identifier: ISC */
#ifndef USHER_WORD_H
#define USHER_WORD_H

#include "../common/message.h"

/* Later orders about a pair; backend is taken. */
void	word_grant(const struct order *order);
void	word_next(const struct order *order, int backend);
void	word_end(const struct order *order);

#endif
