/* SPDX-License-Identifier: ISC */
#ifndef USHER_SWEEP_H
#define USHER_SWEEP_H

/*
 * Removes the hidden sockets of name.h from a directory whose servers ended
 * before they listened: else a server that fails again and again would fill
 * it.  Of a large directory only a part is looked at.  Leaves errno alone.  To
 * be called with the directory locked, entry.h: a socket that is just being
 * bound looks like one that was left behind.
 */
void	sweep(int directory);

#endif
