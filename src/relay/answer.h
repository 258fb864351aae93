/* SPDX-License-Identifier: ISC */
#ifndef USHER_ANSWER_H
#define USHER_ANSWER_H

#include <stddef.h>

#include "../../sandbox/sandbox.h"
#include "../common/message.h"
#include "../common/refusal.h"

/* The constant for a refusal in a protocol, *size its bytes; or NULL. */
const void *answer_find(enum protocol protocol, unsigned int refusal,
    size_t *size);
/* All constants that answer_find() gives in a protocol, each once; list has
 * room for REFUSAL_COUNT.  Gives how many. */
size_t	answers_list(enum protocol protocol, struct sandbox_constant *list);

#endif
