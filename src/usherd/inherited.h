/* SPDX-License-Identifier: ISC */
#ifndef USHER_INHERITED_H
#define USHER_INHERITED_H

/*
 * Has all open descriptors from first on closed at the next exec, whatever
 * their numbers and the limit on open files are: that limit may have been
 * lowered below them, and may be too large to count up to.  Gives -1 with
 * errno.  inherited_linux.c: close_range(2), before Linux 5.11 /proc.
 */
int	inherited_cloexec(int first);

#endif
