/* SPDX-License-Identifier: ISC */
#ifndef USHER_NUMBER_H
#define USHER_NUMBER_H

#include <stdint.h>

/* A number for a name that is to differ from others; never waits. */
uint32_t	number_random(void);

#endif
