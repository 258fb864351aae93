/* SPDX-License-Identifier: ISC */
#ifndef USHER_RANDOM_H
#define USHER_RANDOM_H

#include <stddef.h>

/* Fills n bytes, at most 256.  Gives -1 when the system has none. */
int	random_take(void *bytes, size_t n);

#endif
