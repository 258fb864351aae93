/* SPDX-License-Identifier: ISC */
#ifndef USHER_EMPTY_H
#define USHER_EMPTY_H

/*
 * A directory that is already removed: it is empty and stays so, because
 * nothing can be made in it any more, and it needs no place in the system but
 * for a moment.  Gives its descriptor; exits 1 with a line on stderr.
 */
int	empty_directory(void);

#endif
