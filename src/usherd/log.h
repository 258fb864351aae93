/* SPDX-License-Identifier: ISC */
#ifndef USHER_LOG_H
#define USHER_LOG_H

/*
 * One line on stderr, "usherd: " before it and a newline after it.  Never
 * waits: when stderr is a pipe that nobody empties, the line is dropped and
 * counted, and the count is told with the next line that goes through.
 * Nothing foreign goes in but checked host names and numeric addresses.
 */
void	log_line(const char *format, ...)
	    __attribute__((format(printf, 1, 2)));

/*
 * The same for lines that clients can cause, of which at most LOG_RATE a
 * second (LOG_BURST at once) are written; the rest are counted.
 */
enum { LOG_RATE = 200, LOG_BURST = 1000 };

void	log_refusal(const char *format, ...)
	    __attribute__((format(printf, 1, 2)));

#endif
