/* SPDX-License-Identifier: ISC */
#ifndef USHER_COMPLAIN_H
#define USHER_COMPLAIN_H

/*
 * To be called before anything is opened: where there is no standard error,
 * another file of the server's will have its number.
 */
void	complain_begin(void);

/*
 * One line on standard error that begins with "libusher-accept: ", written at
 * once.  Control characters are shown as '?'.  errno is left as it was, and
 * nobody gets a SIGPIPE because there is no reader.
 */
void	complain(const char *format, ...)
	    __attribute__((format(printf, 1, 2)));

#endif
