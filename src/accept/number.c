/* SPDX-License-Identifier: ISC */
#include <sys/random.h>

#include <unistd.h>

#include "number.h"

uint32_t
number_random(void)
{
	static uint32_t	calls;
	uint32_t	number;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(number))
		number = (uint32_t)getpid() + calls++;
	return number;
}
