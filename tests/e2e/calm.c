/* SPDX-License-Identifier: ISC */
/*
 * A server for test_standin_limits.py: POSIX.1-2008 lets bind(2), listen(2),
 * getsockopt(2), setsockopt(2) and unlink(2) be called in signal handlers
 * (2.4.3), and the first four are no cancellation points (2.9.5).  A
 * stand-in's, and those for a path that ends in -handoff, must be as calm.
 * Says what it has done, and ends with 0; or says what went wrong.  The caller
 * has to limit its time.
 *
 * usage: calm cancel|signals PORT
 *        calm paths PATH
 */
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	HANDLERS = 2000,
	MICROSECONDS = 1000,	/* between them */
	DECIMAL = 10
};

static int			listener;
static struct sockaddr_un	path;
static int			bound = -1, set = -1;	/* by the thread */
static volatile sig_atomic_t	handlers, failures;

static int
bind_listener(in_port_t port)
{
	struct sockaddr_in address;

	memset(&address, 0, sizeof(address));
	address.sin_family = AF_INET;
	address.sin_port = htons(port);
	return bind(listener, (struct sockaddr *)&address, sizeof(address));
}

static int
ask(void)
{
	int		value;
	socklen_t	size = sizeof(value);

	return getsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &value, &size);
}

/*
 * A function of its own: when a thread is cancelled, the address sanitizer
 * takes variables in the frames that are left for poisoned ones.
 */
static void __attribute__((noinline))
call_all(in_port_t port)
{
	const int on = 1;

	bound = bind_listener(port) == 0 ? listen(listener, 1) : -1;
	set = setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (ask() == -1)
		set = -1;
}

static void *
be_cancelled(void *port)
{
	(void)pthread_cancel(pthread_self());	/* from here on it is pending */
	call_all(*(const in_port_t *)port);
	pthread_testcancel();
	return NULL;
}

/* A lock that the thread left behind would be waited for by fork(2). */
static void
fork_and_ask(void)
{
	const pid_t	pid = fork();
	int		status;

	if (pid == -1)
		err(1, "fork");
	if (pid == 0)
		_exit(ask() == 0 ? 0 : 1);
	if (waitpid(pid, &status, 0) == -1)
		err(1, "waitpid");
	if (status != 0)
		errx(1, "the child ended with %d", status);
}

static void
cancel(in_port_t port)
{
	pthread_t	thread;
	void		*result;

	if (pthread_create(&thread, NULL, be_cancelled, &port) != 0 ||
	    pthread_join(thread, &result) != 0)
		errx(1, "no thread");
	if (bound != 0 || set != 0)
		errx(1, "cancelled in bind or after it: %d, %d", bound, set);
	if (result != PTHREAD_CANCELED)
		errx(1, "not cancelled at all");
	fork_and_ask();
	(void)puts("cancelled");
}

static void
handle(int signal)
{
	const int error = errno;

	(void)signal;
	if (ask() == -1)
		failures = failures + 1;
	handlers = handlers + 1;
	errno = error;
}

static void
interrupt(void (*handler)(int))
{
	const struct itimerval	timer = {
	    { 0, MICROSECONDS }, { 0, MICROSECONDS } };
	struct sigaction	action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	action.sa_flags = SA_RESTART;
	if (sigaction(SIGALRM, &action, NULL) == -1 ||
	    setitimer(ITIMER_REAL, &timer, NULL) == -1)
		err(1, "setitimer");
}

static void
be_interrupted(in_port_t port)
{
	if (bind_listener(port) == -1)
		err(1, "bind");
	interrupt(handle);
	while (handlers < HANDLERS) {
		if (ask() == -1)
			err(1, "getsockopt");
	}
	if (failures != 0)
		errx(1, "%d handlers failed", (int)failures);
	(void)puts("interrupted");
}

static void
handle_path(int signal)
{
	const int error = errno;

	(void)signal;
	if (unlink(path.sun_path) == -1 && errno != ENOENT)
		failures = failures + 1;
	handlers = handlers + 1;
	errno = error;
}

/* A handler may have removed it. */
static void
bind_path(void)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd == -1 ||
	    bind(fd, (struct sockaddr *)&path, sizeof(path)) == -1 ||
	    listen(fd, 1) == -1)
		err(1, "%s", path.sun_path);
	if (unlink(path.sun_path) == -1 && errno != ENOENT)
		err(1, "unlink");
	(void)close(fd);	/* nobody was connected */
}

static void
be_interrupted_at(const char *where)
{
	path.sun_family = AF_UNIX;
	if (strlen(where) >= sizeof(path.sun_path))
		errx(1, "%s: too long", where);
	(void)strcpy(path.sun_path, where);
	interrupt(handle_path);
	while (handlers < HANDLERS / 4)
		bind_path();
	if (failures != 0)
		errx(1, "%d handlers failed", (int)failures);
	(void)puts("interrupted");
}

int
main(int argc, char *argv[])
{
	in_port_t port;

	if (argc != 3)
		errx(1, "usage: calm cancel|signals PORT, calm paths PATH");
	if (strcmp(argv[1], "paths") == 0) {
		be_interrupted_at(argv[2]);
		return 0;
	}
	port = (in_port_t)strtoul(argv[2], NULL, DECIMAL);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (listener == -1)
		err(1, "socket");
	if (strcmp(argv[1], "cancel") == 0)
		cancel(port);
	else
		be_interrupted(port);
	return 0;
}
