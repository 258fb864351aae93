/* SPDX-License-Identifier: ISC */
#ifndef USHER_SECURE_H
#define USHER_SECURE_H

#include "program.h"

/*
 * Would the kernel give this program more rights than its user has, and tell
 * it so (AT_SECURE, getauxval(3))?  The loader then takes LD_PRELOAD away,
 * ld.so(8).  Gives PROGRAM_FINE, _SETID, _CAPABILITIES or _UNREADABLE.
 */
enum verdict	secure_check(int fd);

#endif
