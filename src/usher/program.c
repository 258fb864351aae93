/* SPDX-License-Identifier: ISC */
#include <sys/stat.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elf.h"
#include "program.h"
#include "say.h"
#include "script.h"
#include "secure.h"

/* As many scripts as Linux follows from one to the next. */
enum { DEPTH_MAX = 5 };

static enum verdict
file_check(const char *path)
{
	struct stat file;

	if (stat(path, &file) == -1)
		return errno == EACCES ? PROGRAM_DENIED : PROGRAM_MISSING;
	if (!S_ISREG(file.st_mode) ||
	    faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == -1)
		return PROGRAM_DENIED;
	return PROGRAM_FINE;
}

/*
 * As execvp(3): an empty element of PATH is the current directory, and what
 * may not be executed is passed over for what comes after it.  But somebody
 * else's directory is no reason to say "denied" of a name that is nowhere.
 * found, which holds the name, is left alone when there is nothing to be found.
 */
static enum verdict
path_search(char found[PATH_MAX], const char *name)
{
	static const char	 usual[] = "/bin:/usr/bin";
	const char		*path = getenv("PATH");
	char			 candidate[PATH_MAX];
	enum verdict		 best = PROGRAM_MISSING, verdict;
	size_t			 n;
	int			 size;

	for (path = path == NULL ? usual : path;; path += n + 1) {
		n = strcspn(path, ":");
		size = snprintf(candidate, sizeof(candidate), "%.*s/%s",
		    n == 0 ? 1 : (int)n, n == 0 ? "." : path, name);
		verdict = size < 0 || size >= PATH_MAX ? PROGRAM_MISSING :
		    file_check(candidate);
		if (verdict == PROGRAM_FINE) {
			memcpy(found, candidate, (size_t)size + 1);
			return verdict;
		}
		if (verdict == PROGRAM_DENIED && access(candidate, F_OK) == 0)
			best = verdict;
		if (path[n] == '\0')
			return best;
	}
}

static enum verdict
command_find(char found[PATH_MAX], const char *name)
{
	int size = snprintf(found, PATH_MAX, "%s", name);

	if (size <= 0 || size >= PATH_MAX)
		return PROGRAM_MISSING;
	if (strchr(name, '/') != NULL)
		return file_check(name);
	return path_search(found, name);
}

/* Puts into decided what runs the script. */
static enum verdict
interpreter_find(struct program *program, struct script *script)
{
	const char	*command;
	enum verdict	 verdict;

	(void)snprintf(program->decided, sizeof(program->decided), "%s",
	    script->interpreter);
	verdict = file_check(program->decided);
	if (verdict != PROGRAM_FINE)
		return verdict;
	command = script_command(script);
	if (command == NULL)
		return PROGRAM_ENV;
	if (command == script->interpreter)
		return PROGRAM_FINE;
	/* env itself may be anything: it hands the environment on. */
	return command_find(program->decided, command);
}

/* Gives a descriptor, and the first bytes of the file; or -1. */
static int
head_open(const char *path, char head[SCRIPT_HEAD])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	memset(head, 0, SCRIPT_HEAD);
	if (fd == -1)
		return -1;
	if (pread(fd, head, SCRIPT_HEAD, 0) == -1) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/*
 * This process is an example of what the library fits into: it was built
 * together with it.
 */
static enum verdict
binary_check(int fd, const char head[SCRIPT_HEAD])
{
	enum verdict	verdict;
	int		ours;

	if (memcmp(head, ELFMAG, SELFMAG) != 0)
		return PROGRAM_UNKNOWN;
	ours = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (ours == -1)
		die(1, "/proc/self/exe: %s", strerror(errno));
	verdict = elf_check(fd, ours);
	(void)close(ours);
	return verdict == PROGRAM_FINE ? secure_check(fd) : verdict;
}

enum verdict
program_check(struct program *program, const char *command)
{
	struct script	script;
	enum verdict	verdict;
	char		head[SCRIPT_HEAD];
	int		depth, fd;

	verdict = command_find(program->path, command);
	memcpy(program->decided, program->path, sizeof(program->decided));
	for (depth = 0; verdict == PROGRAM_FINE; depth++) {
		fd = head_open(program->decided, head);
		if (fd == -1)
			return PROGRAM_UNREADABLE;
		if (script_read(&script, head) == -1) {
			verdict = binary_check(fd, head);
			(void)close(fd);
			return verdict;
		}
		(void)close(fd);
		if (depth == DEPTH_MAX)
			return PROGRAM_DEPTH;
		verdict = interpreter_find(program, &script);
	}
	return verdict;
}
