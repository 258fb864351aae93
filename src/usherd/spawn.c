/* SPDX-License-Identifier: ISC */
#include <err.h>
#include <grp.h>
#include <signal.h>
#include <unistd.h>

#include "program.h"
#include "spawn.h"

enum { FIRST = 3 };

void
spawn_argument(struct spawn *spawn, const char *text)
{
	if (spawn->argc == SPAWN_ARGUMENTS_MAX)
		errx(1, "%s: too many arguments", spawn->argv[0]);
	spawn->argv[spawn->argc++] = text;
	spawn->argv[spawn->argc] = NULL;
}

/* ^C reaches the whole process group: the launcher decides, not they. */
static void
signals_ignore(void)
{
	static const int	ignored[] = {
		SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2
	};
	sigset_t		none;
	size_t			i;

	for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		(void)signal(ignored[i], SIG_IGN);	/* valid */
	(void)signal(SIGCHLD, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);	/* valid */
}

/* In the new process.  The launcher's numbers are above these: nothing is
 * overwritten before it was duplicated. */
static void __attribute__((noreturn))
become(const struct spawn *spawn)
{
	size_t i;

	signals_ignore();
	for (i = 0; i < spawn->nfds; i++) {
		if (dup2(spawn->fds[i], FIRST + (int)i) == -1)
			err(1, "%s: descriptors", spawn->argv[0]);
	}
	if (spawn->groups != NULL && spawn->groups->root &&
	    setgroups(spawn->groups->ngroups, spawn->groups->groups) == -1)
		err(1, "%s: groups", spawn->argv[0]);
	program_execute(spawn->program, spawn->argv);
	err(1, "%s", spawn->argv[0]);
}

pid_t
spawn(const struct spawn *spawn)
{
	pid_t pid;

	pid = fork();
	if (pid == 0)
		become(spawn);
	return pid;
}
