/* SPDX-License-Identifier: ISC */
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "logger.h"
#include "program.h"
#include "say.h"
#include "start.h"
#include "unit.h"
#include "upgrade.h"

enum {
	PREDECESSORS_MAX = 4,	/* with connections left */
	OLD_MAX = (PREDECESSORS_MAX + 1) * (1 + JOBS_MAX * (1 + PLACES)),
	TEXT_MAX = 64 * 1024
};

static const char	listeners_variable[] = "USHERD_LISTENERS";
static const char	old_variable[] = "USHERD_PROCESSES";
static const char	trial_variable[] = "USHERD_TRIAL";

/*
 * A process of a program that we were before.  They stand in the order of
 * their programs, and of each program the log process is the first: it is to
 * write what the others have to say, and ends after them.
 */
struct old {
	pid_t	pid;
	int	control;	/* -1: none, or closed */
	bool	log;
};

static char		*const *arguments;
static char		 path[PATH_MAX];
static struct old	 olds[OLD_MAX];
static size_t		 nolds;
static pid_t		 trial = -1;
static int		 trial_pipe = -1;
static bool		 trial_ready, due, successor;
static int64_t		 trial_end;

void
upgrade_remember(char *const argv[])
{
	arguments = argv;
	program_self(path, sizeof(path));
}

bool
upgrade_is_trial(void)
{
	return getenv(trial_variable) != NULL;
}

bool
upgrade_is_successor(void)
{
	return successor;
}

/* "256t:0:0 257h:7:1": descriptor, protocol, changed, given. */
bool
upgrade_listeners(struct settings *settings)
{
	const char	*text = getenv(listeners_variable);
	unsigned int	 changed;
	int		 fd, given, n;
	char		 protocol;

	if (text == NULL)
		return false;
	while (sscanf(text, " %d%c:%u:%d%n", &fd, &protocol, &changed, &given,
	    &n) == 4) {
		listen_inherit(settings->listeners, &settings->nlisteners,
		    protocol == 't' ? PROTOCOL_TLS : PROTOCOL_HTTP, fd,
		    changed, given != 0);
		text += n;
	}
	return settings->nlisteners > 0;
}

/* "l1234:270 p1235:271 p1236:-1": log or other, pid, control. */
void
upgrade_adopt(void)
{
	const char	*text = getenv(old_variable);
	int		 n, pid, control;
	char		 kind;

	successor = text != NULL;
	while (text != NULL && nolds < OLD_MAX &&
	    sscanf(text, " %c%d:%d%n", &kind, &pid, &control, &n) == 3) {
		if (pid > 0) {
			olds[nolds].pid = pid;
			olds[nolds].log = kind == 'l';
			olds[nolds++].control = control;
		}
		text += n;
	}
	(void)unsetenv(listeners_variable);	/* valid names */
	(void)unsetenv(old_variable);
}

static void
old_retire(struct old *old)
{
	if (old->control != -1)
		(void)close(old->control);	/* it drains */
	old->control = -1;
}

/* Those of whose programs nobody else is left. */
static void
logs_retire(void)
{
	size_t i;

	for (i = 0; i < nolds; i++) {
		if (olds[i].log && (i + 1 == nolds || olds[i + 1].log))
			old_retire(&olds[i]);
	}
}

void
upgrade_retire(void)
{
	size_t i;

	for (i = 0; i < nolds; i++) {
		if (!olds[i].log)
			old_retire(&olds[i]);
	}
	logs_retire();
}

static size_t
predecessors(void)
{
	size_t i, n = 0;

	for (i = 0; i < nolds; i++)
		n += i == 0 || olds[i].log;
	return n;
}

bool
upgrade_over(void)
{
	return nolds == 0;
}

void
upgrade_kill(void)
{
	size_t i;

	for (i = 0; i < nolds; i++)
		(void)kill(olds[i].pid, SIGKILL);	/* ours */
	if (trial != -1)
		(void)kill(trial, SIGKILL);	/* with all that it started */
}

void
upgrade_ready(void)
{
	const int fd = atoi(getenv(trial_variable));

	if (write(fd, "r", 1) != 1)
		err(1, "trial");
	logger_finish();
	exit(0);
}

/* Text that does not fit is of no use: then *n is TEXT_MAX. */
static void
text_add(char *text, size_t *n, const char *format, ...)
{
	va_list	arguments_;
	int	m;

	va_start(arguments_, format);
	m = vsnprintf(text + *n, TEXT_MAX - *n, format, arguments_);
	va_end(arguments_);
	*n = m < 0 || (size_t)m >= TEXT_MAX - *n ? TEXT_MAX : *n + (size_t)m;
}

/* Gives -1 with errno. */
static int
text_set(const char *variable, const char *text, size_t n)
{
	if (n < TEXT_MAX)
		return setenv(variable, text, 1);
	errno = E2BIG;
	return -1;
}

/* It stays open when a program is executed, or is closed then. */
static int
kept(int fd, bool keep)
{
	return fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC);
}

/* Gives -1 with errno. */
static int
listeners_tell(const struct settings *settings, bool keep)
{
	static char	text[TEXT_MAX];
	size_t		i, n = 0;

	text[0] = '\0';
	for (i = 0; i < settings->nlisteners; i++) {
		const struct listener *listener = &settings->listeners[i];

		if (kept(listener->fd, keep) == -1)
			return -1;
		text_add(text, &n, "%d%c:%u:%d ", listener->fd,
		    listener->protocol == PROTOCOL_TLS ? 't' : 'h',
		    listener->changed, listener->given);
	}
	return keep ? text_set(listeners_variable, text, n) :
	    unsetenv(listeners_variable);
}

static void __attribute__((noreturn))
trial_become(const struct settings *settings, int pipe)
{
	char		number[16];
	sigset_t	none;

	(void)snprintf(number, sizeof(number), "%d", pipe);
	(void)sigemptyset(&none);
	if (program_end_with_parent() == -1 ||
	    sigprocmask(SIG_SETMASK, &none, NULL) == -1 ||
	    listeners_tell(settings, true) == -1 || kept(pipe, true) == -1 ||
	    setenv(trial_variable, number, 1) == -1)
		err(1, "upgrade");
	(void)execv(path, arguments);
	err(1, "upgrade: %s", path);
}

void
upgrade_begin(const struct settings *settings)
{
	int writer;

	if (trial != -1 || due)
		return;		/* it is under way */
	if (predecessors() >= PREDECESSORS_MAX) {
		say("upgrade: connections of %d programs before this one are "
		    "left: the present one goes on", PREDECESSORS_MAX);
		return;
	}
	if (start_pipe(&trial_pipe, &writer) == -1) {
		say("upgrade: %s", strerror(errno));
		return;
	}
	say("upgrade: trying %s", path);
	trial = fork();
	if (trial == 0)
		trial_become(settings, writer);
	(void)close(writer);	/* the trial has it */
	trial_ready = false;
	trial_end = shard_now() + UPGRADE_TRIAL_MS;
	if (trial != -1)
		return;
	say("upgrade: %s", strerror(errno));
	(void)close(trial_pipe);
	trial_pipe = -1;
}

int
upgrade_pipe(void)
{
	return trial_pipe;
}

void
upgrade_hear(void)
{
	char	word;
	ssize_t	n;

	n = read(trial_pipe, &word, 1);
	if (n == -1)
		return;
	trial_ready |= n == 1 && word == 'r';
	if (n == 1)
		return;
	(void)close(trial_pipe);	/* SIGCHLD tells the rest */
	trial_pipe = -1;
}

int64_t
upgrade_due(int64_t now)
{
	if (trial == -1)
		return 0;
	if (trial_end > now)
		return trial_end;
	(void)kill(trial, SIGKILL);	/* ours, and not yet reaped */
	trial_end = now + UPGRADE_TRIAL_MS;
	return trial_end;
}

static void
trial_ended(int status)
{
	while (trial_pipe != -1 && !trial_ready) {
		const int before = trial_pipe;

		upgrade_hear();
		if (trial_pipe == before && !trial_ready)
			break;	/* nothing is there */
	}
	if (trial_pipe != -1)
		(void)close(trial_pipe);
	trial_pipe = -1;
	trial = -1;
	due = trial_ready && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (!due)
		say("upgrade: the new program does not get ready (%s): the "
		    "present one goes on", ending(status));
}

bool
upgrade_is_due(void)
{
	return due;
}

static void
old_ended(size_t i, int status)
{
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		say("process %d of the program before the upgrade %s",
		    (int)olds[i].pid, ending(status));
	old_retire(&olds[i]);
	nolds--;
	memmove(&olds[i], &olds[i + 1], (nolds - i) * sizeof(olds[0]));
	logs_retire();
}

bool
upgrade_reap(pid_t pid, int status)
{
	size_t i;

	if (pid == trial) {
		if (WIFSTOPPED(status))
			(void)kill(pid, SIGKILL);	/* ours */
		else
			trial_ended(status);
		return true;
	}
	for (i = 0; i < nolds; i++) {
		if (olds[i].pid != pid)
			continue;
		if (WIFSTOPPED(status))
			(void)kill(pid, SIGKILL);	/* ours */
		else
			old_ended(i, status);
		return true;
	}
	return false;
}

static void
process_tell(char *text, size_t *n, char kind, pid_t pid, int control)
{
	if (pid != -1)
		text_add(text, n, "%c%d:%d ", kind, (int)pid, control);
}

/* Ours, and those that were before us. */
static void
processes_tell(char *text, size_t *at, const struct shard *shards, size_t n)
{
	size_t i, place;

	text[0] = '\0';
	process_tell(text, at, 'l', logger_pid(), logger_control());
	for (i = 0; i < n; i++) {
		process_tell(text, at, 'p', shards[i].pid, shards[i].control);
		for (place = 0; place < PLACES; place++)
			process_tell(text, at, 'p',
			    shards[i].children[place].pid, -1);
	}
	for (i = 0; i < nolds; i++)
		process_tell(text, at, olds[i].log ? 'l' : 'p', olds[i].pid,
		    olds[i].control);
}

/* Through these the successor will tell ours to drain.  -1 with errno. */
static int
controls_keep(const struct shard *shards, size_t n, bool keep)
{
	size_t i;

	if (logger_control() != -1 && kept(logger_control(), keep) == -1)
		return -1;
	for (i = 0; i < n; i++) {
		if (shards[i].control != -1 &&
		    kept(shards[i].control, keep) == -1)
			return -1;
	}
	for (i = 0; i < nolds; i++) {
		if (olds[i].control != -1 &&
		    kept(olds[i].control, keep) == -1)
			return -1;
	}
	return 0;
}

void
upgrade_execute(const struct settings *settings, const struct shard *shards,
    size_t n)
{
	static char	text[TEXT_MAX];
	size_t		at = 0;

	due = false;
	processes_tell(text, &at, shards, n);
	say("upgrade: the new program takes over");
	if (listeners_tell(settings, true) == 0 &&
	    controls_keep(shards, n, true) == 0 &&
	    text_set(old_variable, text, at) == 0)
		(void)execv(path, arguments);
	say("upgrade: %s: %s: the present one goes on", path,
	    strerror(errno));
	(void)listeners_tell(settings, false);	/* nothing was executed */
	(void)controls_keep(shards, n, false);
	(void)unsetenv(old_variable);
}
