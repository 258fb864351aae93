/* SPDX-License-Identifier: ISC */
#ifndef USHER_LOG_RENDER_H
#define USHER_LOG_RENDER_H

#include "../common/log_record.h"
#include "lines.h"

/*
 * Writes the line, without its beginning and its newline, for a record that
 * check_record() gave; shard is the front's number, hosts the path of the
 * hosts directory.  Every kind but LOG_LOST_LINES has one, which fits.  Pure
 * but for the C library's formatting of numbers and texts.
 */
void	render(char text[LINE_TEXT_MAX], const struct log_record *record,
	    unsigned int shard, const char *hosts);

#endif
