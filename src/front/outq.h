/* SPDX-License-Identifier: ISC */
#ifndef USHER_OUTQ_H
#define USHER_OUTQ_H

#include <stdbool.h>

/*
 * Has all that was sent on this UNIX stream been received?  Also true when
 * the other side has closed it.
 */
bool	outq_empty(int stream);

#endif
