/* SPDX-License-Identifier: ISC */
/*
 * Builds that are not shipped.  AddressSanitizer asks this function at the
 * start of a program that is linked with it (sanitizer/asan_interface.h).  Its
 * leak check would stop the process from a thread of its own, which no filter
 * allows, and would have to read one that nobody may read; what leaks is seen
 * from outside, in /proc.
 */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}
