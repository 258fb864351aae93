/* SPDX-License-Identifier: ISC */
#ifndef USHER_PAGE_H
#define USHER_PAGE_H

/*
 * Makes a page of memory that two processes share: page[0] is for the one
 * that writes it, page[1] for one that can only read it.  Nobody can make it
 * smaller.  Exits 1 with a line on stderr.
 */
void	page_make(int page[2]);

#endif
