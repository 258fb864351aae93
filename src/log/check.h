/* SPDX-License-Identifier: ISC */
#ifndef USHER_LOG_CHECK_H
#define USHER_LOG_CHECK_H

#include <stdbool.h>

#include "../common/log_record.h"

/*
 * Checks a record that came from a front against what log_record.h says of
 * its kind; LOG_STEP is legal only with steps.  Gives 0 and the record that
 * may be used, or -1.  Pure: no memory, no errno, no system call.
 */
int	check_record(struct log_record *good, const struct log_record *claimed,
	    bool steps);

#endif
