/* SPDX-License-Identifier: ISC */
#ifndef USHER_MESSAGE_SEND_H
#define USHER_MESSAGE_SEND_H

#include <stddef.h>

#include "message.h"

/*
 * Sends one record of size bytes with nfds descriptors (at most
 * MESSAGE_FDS_MAX), without waiting.  The descriptors stay the caller's.
 * Gives 0, or -1 with errno; EAGAIN when the other side is behind.
 */
int	message_send(int fd, const void *record, size_t size, const int *fds,
	    size_t nfds);

#endif
