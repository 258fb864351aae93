/* SPDX-License-Identifier: ISC */
#include "flight.h"
#include "lowat.h"

enum { STEP = 4096 };

/*
 * Small ones for what lacks little; from one page on, one for each page: what
 * is missing at least is then rounded down by less than three segments.
 */
const int lowat_steps[LOWAT_STEPS] = {
	1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, STEP,
	2 * STEP, 3 * STEP, 4 * STEP, 5 * STEP, 6 * STEP, 7 * STEP, 8 * STEP,
	9 * STEP, 10 * STEP, 11 * STEP, 12 * STEP, 13 * STEP, 14 * STEP,
	15 * STEP, 16 * STEP, 17 * STEP, 18 * STEP, 19 * STEP, 20 * STEP
};

_Static_assert(FLIGHT_MAX == 20 * STEP, "the last is all that is looked at");

const int *
lowat_at_most(size_t wanted)
{
	size_t i = LOWAT_STEPS - 1;

	while (i > 0 && (size_t)lowat_steps[i] > wanted)
		i--;
	return &lowat_steps[i];
}
