/* SPDX-License-Identifier: ISC */
#ifndef USHER_COMPLAIN_H
#define USHER_COMPLAIN_H

/*
 * One line on standard error that begins with "libusher-accept: ", written at
 * once.  Control characters are shown as '?'.  errno is left as it was.
 */
void	complain(const char *format, ...)
	    __attribute__((format(printf, 1, 2)));

#endif
