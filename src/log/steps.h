/* SPDX-License-Identifier: ISC */
#ifndef USHER_LOG_STEPS_H
#define USHER_LOG_STEPS_H

#include "../common/log_record.h"
#include "lines.h"

/* The line of a LOG_STEP: what happened to a connection, and what followed. */
void	steps_write(char text[LINE_TEXT_MAX], const struct log_record *record,
	    unsigned int shard);

#endif
