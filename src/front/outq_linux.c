/* SPDX-License-Identifier: ISC */
/*
 * Linux: SIOCOUTQ, unix(7).  It counts the memory of messages, and a
 * descriptor that travels alone is one; 0 once recvmsg(2) has taken it.
 */
#include <sys/ioctl.h>

#include <linux/sockios.h>

#include "outq.h"

bool
outq_empty(int stream)
{
	int left;

	return ioctl(stream, SIOCOUTQ, &left) == -1 || left == 0;
}
