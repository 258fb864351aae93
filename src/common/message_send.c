/* SPDX-License-Identifier: ISC */
/*
 * Sending is for the launcher and the fronts: parsers, relays and the log
 * process are not even linked with it.
 */
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <string.h>

#include "message_send.h"

_Static_assert(sizeof(struct verdict) == 264, "a verdict has one size");
_Static_assert(sizeof(struct verdict) * VERDICT_BATCH <= 4096,
    "a batch of verdicts is written whole");
_Static_assert(sizeof(struct orders) == 8 * ORDER_BATCH,
    "orders have one size");
_Static_assert(2 * ORDER_BATCH <= MESSAGE_FDS_MAX, "room for the pairs");

union control {
	struct cmsghdr	header;
	unsigned char	bytes[CMSG_SPACE(sizeof(int) * MESSAGE_FDS_MAX)];
};

int
message_send(int fd, const void *record, size_t size, const int *fds,
    size_t nfds)
{
	union control	 control;
	struct iovec	 iov;
	struct msghdr	 msg;
	struct cmsghdr	*header;
	ssize_t		 n;

	if (nfds > MESSAGE_FDS_MAX) {
		errno = EINVAL;
		return -1;
	}
	memset(&msg, 0, sizeof(msg));
	iov.iov_base = (void *)(uintptr_t)record;
	iov.iov_len = size;
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	if (nfds > 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		header = CMSG_FIRSTHDR(&msg);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(header), fds, sizeof(int) * nfds);
	}
	do {
		n = sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return -1;
	if ((size_t)n == size)
		return 0;
	errno = EMSGSIZE;
	return -1;
}
