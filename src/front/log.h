/* SPDX-License-Identifier: ISC */
#ifndef USHER_LOG_H
#define USHER_LOG_H

#include <sys/types.h>

#include "../common/launch.h"
#include "../common/log_record.h"

/*
 * To the log process, over FRONT_LOG, which does not block.  Never waits: a
 * record for which there is no room is dropped and counted, and the count is
 * sent before the next that goes through.
 */

/* What log_record.h says of its kind must hold: all else is 0. */
void	log_send(const struct log_record *record);

/* What happened to a child; count and value are 0 where why has none. */
void	log_child(enum child_kind child, pid_t pid, enum log_why why,
	    uint32_t count, uint32_t value);
/* accept4(2) has failed with this errno, for want of something. */
void	log_accept(int error);
/* libevent has warned, and errno was this, or 0. */
void	log_loop(int error);
void	log_hosts_gone(void);
/* A connection's event, what was done, and its states before and after. */
void	log_step(uint32_t id, uint32_t state, uint32_t event, uint32_t action,
	    uint32_t next);

#endif
