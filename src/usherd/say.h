/* SPDX-License-Identifier: ISC */
#ifndef USHER_SAY_LAUNCHER_H
#define USHER_SAY_LAUNCHER_H

#include <stdint.h>

#include "../common/launch.h"

/*
 * The launcher's lines.  Once there is a log process they are written by it;
 * before, straight to stderr.  Nothing is ever waited for: what it does not
 * take is lost, and told with the next line.
 */
void	say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Has the log process do this, if there is one. */
void	say_order(enum log_order_kind kind, uint32_t value);

/* The log process's control socket, or -1. */
void	say_by(int control);

#endif
