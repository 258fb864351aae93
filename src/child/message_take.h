/* SPDX-License-Identifier: ISC */
#ifndef USHER_MESSAGE_TAKE_H
#define USHER_MESSAGE_TAKE_H

#include <stddef.h>

#include "../common/message.h"

enum message_result {
	MESSAGE_TAKEN,		/* *nfds descriptors now belong to the caller */
	MESSAGE_NONE,		/* nothing there yet */
	MESSAGE_CLOSED,		/* the other side is gone */
	MESSAGE_BROKEN		/* wrong size, truncated, or a surplus of
				 * descriptors: all closed */
};

/* Takes one record of exactly size bytes, without waiting. */
enum message_result message_take(int fd, void *record, size_t size, int *fds,
    size_t max, size_t *nfds);

enum message_said {
	MESSAGE_SAID,		/* all of it */
	MESSAGE_FULL,		/* nothing of it: the pipe has no room now */
	MESSAGE_UNHEARD		/* nobody reads that pipe any more */
};

/* Writes records, size bytes up to PIPE_BUF, to a non-blocking pipe. */
enum message_said message_report(int fd, const void *records, size_t size);

#endif
