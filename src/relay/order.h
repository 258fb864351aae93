/* SPDX-License-Identifier: ISC */
#ifndef USHER_ORDER_H
#define USHER_ORDER_H

#include <stdbool.h>
#include <stddef.h>

#include "../common/message.h"

/* May this be said to a relay of this protocol?  Pure. */
bool	order_allowed(const struct order *order, enum protocol protocol);
/* How many descriptors come with a legal order. */
size_t	order_descriptors(const struct order *order);

#endif
