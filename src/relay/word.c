/* SPDX-License-Identifier: ISC */
/*
 * What the front says about a pair after its beginning: how many bytes more
 * may pass, and to whom.  An id that is not known has left while the word was
 * on its way.
 */
#include <unistd.h>

#include "../common/refusal.h"
#include "pair.h"
#include "run.h"
#include "word.h"

void
word_grant(const struct order *order)
{
	struct pair *pair = pair_find(order->id);

	if (pair == NULL)
		return;
	if (order->last == 1)
		pair_forget_id(pair);
	if (pair->state == PAIR_LONELY) {
		/* There is no backend to grant it for.  The front will hear
		 * of that and say ORDER_NEXT, unless this was its last word:
		 * then the client must ask again, of which nothing was sent. */
		if (order->last == 1)
			pair_goodbye(pair);
		return;
	}
	if (pair->grant != 0 || pair->next != NEXT_NONE)
		_exit(1);	/* the front does not say such things */
	pair_grant(pair, order);
	pair->client.readable = true;	/* the parser has seen the bytes */
	pair_touch(pair);
	pair_run(pair);
}

void
word_next(const struct order *order, int backend)
{
	struct pair *pair = pair_find(order->id);

	if (pair == NULL) {
		(void)close(backend);	/* nothing was sent to it */
		return;
	}
	if (order->last == 1)
		pair_forget_id(pair);
	if (pair->grant != 0 || pair->next != NEXT_NONE)
		_exit(1);
	if (pair->state == PAIR_LONELY) {
		pair_attach(pair, backend);
		pair_grant(pair, order);
	} else {
		/* Half-closed, the present backend ends with its response. */
		pair->patient = order->patient == 1;
		pair->up.ended = !pair->patient;
		pair->next = NEXT_BACKEND;
		pair->next_backend = backend;
		pair->next_order = *order;
	}
	pair_touch(pair);
	pair_run(pair);
}

void
word_end(const struct order *order)
{
	struct pair *pair = pair_find(order->id);

	if (pair == NULL)
		return;
	if (pair->next != NEXT_NONE)
		_exit(1);
	pair_forget_id(pair);
	if (pair->state == PAIR_LONELY && order->refusal == REFUSAL_NONE) {
		pair_goodbye(pair);
		return;
	}
	if (pair->state == PAIR_LONELY) {
		pair_answer(pair, order->refusal);
		return;
	}
	pair->next = order->refusal == REFUSAL_NONE ? NEXT_CLOSE : NEXT_REFUSE;
	pair->next_refusal = order->refusal;
	pair->patient = order->patient == 1;
	pair_touch(pair);
	pair_run(pair);
}
