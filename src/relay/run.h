/* SPDX-License-Identifier: ISC */
#ifndef USHER_RUN_H
#define USHER_RUN_H

#include "pair.h"

/* A pair's turn: moves its bytes, and acts upon what is met.  Gives how many
 * bytes were given on.  For turns_make(). */
size_t	run(struct turn *turn);
/* Its time is over.  For pairs_make(). */
void	run_late(struct pair *pair);

#endif
