/* SPDX-License-Identifier: ISC */
#ifndef USHER_LIES_H
#define USHER_LIES_H

#include "../../src/common/message.h"

/* A relay has taken these orders and has not obeyed them yet: says what one of
 * the clients among fds asks for, by the number of bytes that it has sent. */
void	lies_of_orders(const struct orders *orders, const int *fds);

#endif
