/* SPDX-License-Identifier: ISC */
#ifndef USHER_ELF_H
#define USHER_ELF_H

#include "program.h"

/*
 * Looks at an ELF file, elf(5), without believing it: each structure is read
 * by itself to its full size, and a number is compared before it is used.
 * ours is a program of the kind that the library can be loaded into.  Gives
 * PROGRAM_FINE, _DAMAGED, _FOREIGN, _GO, _STATIC, _LIBRARY or _NO_LOADER.
 */
enum verdict	elf_check(int fd, int ours);

#endif
