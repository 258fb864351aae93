/* SPDX-License-Identifier: ISC */
/*
 * Records and descriptors between processes: the children's side.
 */
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "message_take.h"

union control {
	struct cmsghdr	header;
	unsigned char	bytes[CMSG_SPACE(sizeof(int) * MESSAGE_FDS_MAX)];
};

/* Takes the descriptors out of msg: at most max stay, the rest are closed. */
static int
descriptors_take(struct msghdr *msg, int *fds, size_t max, size_t *nfds)
{
	struct cmsghdr	*header;
	int		 surplus = 0;

	for (header = CMSG_FIRSTHDR(msg); header != NULL;
	    header = CMSG_NXTHDR(msg, header)) {
		size_t i, n;

		if (header->cmsg_level != SOL_SOCKET ||
		    header->cmsg_type != SCM_RIGHTS)
			continue;
		n = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(header) + i * sizeof(int),
			    sizeof(fd));
			if (*nfds < max)
				fds[(*nfds)++] = fd;
			else
				surplus = close(fd) == -1 ? -1 : 1;
		}
	}
	return surplus == 0 ? 0 : -1;
}

enum message_result
message_take(int fd, void *record, size_t size, int *fds, size_t max,
    size_t *nfds)
{
	union control	control;
	struct iovec	iov = { record, size };
	struct msghdr	msg;
	ssize_t		n;
	int		surplus;

	*nfds = 0;
	memset(&msg, 0, sizeof(msg));
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.msg_control = control.bytes;
	msg.msg_controllen = sizeof(control.bytes);
	do {
		n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return errno == EAGAIN ? MESSAGE_NONE : MESSAGE_CLOSED;
	if (n == 0)
		return MESSAGE_CLOSED;
	surplus = descriptors_take(&msg, fds, max, nfds);
	if ((size_t)n == size && surplus == 0 &&
	    (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0)
		return MESSAGE_TAKEN;
	while (*nfds > 0)
		(void)close(fds[--*nfds]);	/* nothing to be done about it */
	return MESSAGE_BROKEN;
}

enum message_said
message_report(int fd, const void *records, size_t size)
{
	ssize_t n;

	do {
		n = write(fd, records, size);
	} while (n == -1 && errno == EINTR);
	if (n == -1 && errno == EAGAIN)
		return MESSAGE_FULL;
	return n == (ssize_t)size ? MESSAGE_SAID : MESSAGE_UNHEARD;
}
