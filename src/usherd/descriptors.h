/* SPDX-License-Identifier: ISC */
#ifndef USHER_DESCRIPTORS_H
#define USHER_DESCRIPTORS_H

/*
 * The launcher's own descriptors have numbers from LAUNCHER_BASE on, so that
 * whoever it starts can be given his from 3 on without one overwriting
 * another.
 */
enum { LAUNCHER_BASE = 256 };

/* First of all: 0 to 2 are in use, by /dev/null where they were closed, so
 * that nothing else comes to bear their numbers. */
void	descriptors_stdio(void);
/* stdin and stdout become /dev/null; once inherited listeners are known. */
void	descriptors_null(void);
/* Gives fd such a number, closed on exec; fd itself is closed.  Exits 1. */
int	descriptor_high(int fd);
/* The same for a pipe or a pair; gives -1 with errno, and both closed. */
int	descriptors_high(int fds[2]);
/* All of the limit that was set is ours to use; exits 1 when it is too low.
 * Gives what it is. */
unsigned int descriptors_raise(void);

#endif
