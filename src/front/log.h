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

/* A line was left out: counted, and told with the next one that is written. */
void	log_lost(void);
/* How many have been lost since the start. */
unsigned long long log_lost_total(void);

#endif
