/* SPDX-License-Identifier: ISC */
#ifndef USHER_RUN_H
#define USHER_RUN_H

struct pair;

void	run_make(void);
/* Moves what can be moved; may end the pair. */
void	pair_run(struct pair *pair);
/* Runs it once more, after the others or after some ms. */
void	pair_run_later(struct pair *pair, int ms);
/* It needs not be run any more. */
void	pair_run_never(struct pair *pair);

#endif
