/* SPDX-License-Identifier: ISC */
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "complain.h"
#include "entry.h"
#include "probe.h"
#include "real.h"
#include "rival.h"

enum {
	TOLD_MAX = 16,			/* sockets that were spoken of */
	COMM_BYTES = 64,		/* TASK_COMM_LEN is 16 */
	WHO_BYTES = COMM_BYTES + 32
};

/*
 * The credentials of listen(2) are those that a stream is told: its server sees
 * one more connection that brings nothing.  Gives 0 where that is not known.
 */
static pid_t
listening_process(int pinned)
{
	struct sockaddr_un	address;
	struct ucred		peer;
	socklen_t		size = sizeof(peer);
	pid_t			pid = 0;
	int			fd;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return 0;
	memset(&address, 0, sizeof(address));
	address.sun_family = AF_UNIX;
	probe_path(address.sun_path, pinned);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    real()->getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0)
		pid = peer.pid;
	(void)close(fd);	/* nothing was sent */
	return pid;
}

/* Gives -1 when it has ended, or is not to be seen. */
static int
command_read(char command[static COMM_BYTES], pid_t pid)
{
	char	path[sizeof("/proc/2147483647/comm")];
	ssize_t	n;
	int	fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	n = read(fd, command, COMM_BYTES - 1);
	(void)close(fd);	/* read only */
	if (n <= 0)
		return -1;
	command[n] = '\0';
	command[strcspn(command, "\n")] = '\0';
	return 0;
}

static void
who_write(char who[static WHO_BYTES], int directory, const char *name)
{
	char	command[COMM_BYTES];
	pid_t	pid = 0;
	int	pinned;

	pinned = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (pinned != -1) {
		pid = listening_process(pinned);
		(void)close(pinned);	/* O_PATH */
	}
	if (pid == 0)
		(void)snprintf(who, WHO_BYTES, "a server");
	else if (pid == getpid())
		(void)snprintf(who, WHO_BYTES, "this process");
	else if (command_read(command, pid) == -1)
		(void)snprintf(who, WHO_BYTES, "process %d", (int)pid);
	else
		(void)snprintf(who, WHO_BYTES, "process %d (%s)", (int)pid,
		    command);
}

/* A server that listens on several tries them all again. */
static bool
is_news(int directory, const char *name)
{
	static struct identity	told[TOLD_MAX];
	static size_t		next;
	struct identity		now;
	size_t			i;

	if (identity_at(directory, name, &now) == -1)
		return true;
	for (i = 0; i < TOLD_MAX; i++) {
		if (identity_same(&now, &told[i]))
			return false;
	}
	told[next] = now;
	next = (next + 1) % TOLD_MAX;
	return true;
}

void
rival_complain(const char *place, int directory, const char *name,
    enum rival_help help)
{
	const int	error = errno;
	char		who[WHO_BYTES];

	if (is_news(directory, name)) {
		who_write(who, directory, name);
		complain("%s: %s listens here already%s", place, who,
		    help == RIVAL_REPLACEABLE ?
		    "; usher run -r would take its place" : "");
	}
	errno = error;
}
