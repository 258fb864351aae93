/* SPDX-License-Identifier: ISC */
#ifndef USHER_ANSWER_H
#define USHER_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "../../sandbox/sandbox.h"
#include "../common/message.h"
#include "../common/refusal.h"

/* An alert for each reason, or a page with its content and without. */
enum { ANSWERS_MAX = 2 * REFUSAL_COUNT };

/* The constant for a refusal in a protocol, *size its bytes; or NULL.  head:
 * what a HEAD is answered with, which is without content. */
const void *answer_find(enum protocol protocol, unsigned int refusal,
    bool head, size_t *size);
/* All constants that answer_find() gives in a protocol, each once; list has
 * room for ANSWERS_MAX.  Gives how many. */
size_t	answers_list(enum protocol protocol, struct sandbox_constant *list);

#endif
