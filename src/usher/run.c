/* SPDX-License-Identifier: ISC */
#include <sys/random.h>

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "program.h"
#include "run.h"
#include "say.h"
#include "arguments.h"

/* What env(1) and the shell exit with; all else that goes wrong is 1. */
enum { EXIT_DENIED = 126, EXIT_MISSING = 127 };

static const char library_name[] = "libusher-accept.so";

/* How ld.so(8) separates the items of LD_PRELOAD. */
static const char separators[] = ": ";

/* Gives -1 when it is not beside this program. */
static int
library_beside(char path[PATH_MAX])
{
	char	*slash;
	ssize_t	 n = readlink("/proc/self/exe", path, PATH_MAX - 1);

	if (n == -1)
		return -1;
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL ||
	    sizeof(library_name) > PATH_MAX - (size_t)(slash + 1 - path))
		return -1;
	memcpy(slash + 1, library_name, sizeof(library_name));
	return access(path, R_OK);
}

static void
library_find(char path[PATH_MAX])
{
	struct shown	shown;
	int		size;

	if (library_beside(path) == -1) {
		size = snprintf(path, PATH_MAX, "%s/%s", LIBDIR, library_name);
		if (size < 0 || size >= PATH_MAX || access(path, R_OK) == -1)
			die(1, "%s: neither beside usher nor in %s",
			    library_name, LIBDIR);
	}
	/* There is no way to quote these in LD_PRELOAD. */
	if (strpbrk(path, ": $") != NULL)
		die(1, "%s: cannot be preloaded from a path with a blank, a "
		    "colon or a dollar sign", show(&shown, path));
}

static void
variable_set(const char *name, const char *value)
{
	if (setenv(name, value, 1) == -1)
		die(1, "%s: %s", name, strerror(errno));
}

/*
 * The library comes first, so that its accept() is the one that is called, and
 * only once, however often usher runs usher.
 */
static void
preload_set(const char *library)
{
	const char	*item, *before = getenv("LD_PRELOAD");
	char		*value;
	size_t		 n, used = strlen(library);

	if (before == NULL)
		before = "";
	value = malloc(used + 1 + strlen(before) + 1);
	if (value == NULL)
		die(1, "LD_PRELOAD: %s", strerror(errno));
	memcpy(value, library, used);
	for (item = before; *item != '\0'; item += n) {
		item += strspn(item, separators);
		n = strcspn(item, separators);
		if (n == 0 || (n == strlen(library) &&
		    memcmp(item, library, n) == 0))
			continue;
		value[used++] = ':';
		memcpy(value + used, item, n);
		used += n;
	}
	value[used] = '\0';
	variable_set("LD_PRELOAD", value);
	free(value);
}

/* A number that no other run has: settings.h of the library. */
static void
replace_set(void)
{
	unsigned int	number;
	char		text[sizeof("ffffffff")];

	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		die(1, "no random number: %s", strerror(errno));
	(void)snprintf(text, sizeof(text), "%08x", number);
	variable_set("USHER_REPLACE", text);
}

static const char *
reason(enum verdict verdict)
{
	switch (verdict) {
	case PROGRAM_FINE:
		break;
	case PROGRAM_MISSING:
		return "not found";
	case PROGRAM_DENIED:
		return "not a file that you may execute";
	case PROGRAM_UNREADABLE:
		return "cannot be read to see whether a library can be "
		    "preloaded";
	case PROGRAM_UNKNOWN:
		return "neither an ELF program nor a script with a #! line";
	case PROGRAM_DAMAGED:
		return "its ELF headers are damaged, or not those of a "
		    "program";
	case PROGRAM_FOREIGN:
		return "for another kind of processor, which the library "
		    "cannot be loaded into";
	case PROGRAM_STATIC:
		return "statically linked, so nothing can be preloaded";
	case PROGRAM_GO:
		return "a Go program, which does not call the C library that "
		    "a preload stands in for";
	case PROGRAM_LIBRARY:
		return "linked with another C library than the one that is "
		    "to be preloaded";
	case PROGRAM_NO_LOADER:
		return "its dynamic loader is not on this system";
	case PROGRAM_SETID:
		return "would run with other rights than yours "
		    "(set-user-ID or set-group-ID), so nothing is preloaded";
	case PROGRAM_CAPABILITIES:
		return "would run with other rights than yours "
		    "(file capabilities), so nothing is preloaded";
	case PROGRAM_ENV:
		return "asked on the #! line for what is not understood here";
	case PROGRAM_DEPTH:
		return "an interpreter of too many interpreters";
	}
	return "not understood";
}

/* What to do instead, where there is something. */
static const char *
advice(enum verdict verdict)
{
	switch (verdict) {
	case PROGRAM_FOREIGN:
	case PROGRAM_STATIC:
	case PROGRAM_GO:
	case PROGRAM_LIBRARY:
	case PROGRAM_SETID:
	case PROGRAM_CAPABILITIES:
		return ": have it listen on a UNIX socket called tls-socket "
		    "or http-socket instead";
	case PROGRAM_ENV:
	case PROGRAM_DEPTH:
		return ": put the interpreter before the script on the "
		    "command line";
	case PROGRAM_FINE:
	case PROGRAM_MISSING:
	case PROGRAM_DENIED:
	case PROGRAM_UNREADABLE:
	case PROGRAM_UNKNOWN:
	case PROGRAM_DAMAGED:
	case PROGRAM_NO_LOADER:
		break;
	}
	return "";
}

static int
status(enum verdict verdict)
{
	if (verdict == PROGRAM_MISSING)
		return EXIT_MISSING;
	return verdict == PROGRAM_DENIED ? EXIT_DENIED : 1;
}

static void __attribute__((noreturn))
refuse(const struct program *program, enum verdict verdict)
{
	struct shown	path, decided;
	bool		script;

	script = strcmp(program->path, program->decided) != 0;
	die(status(verdict), "%s%s%s: %s%s", show(&path, program->path),
	    script ? ": its interpreter " : "",
	    script ? show(&decided, program->decided) : "",
	    reason(verdict), advice(verdict));
}

void
run_command(const struct run *run)
{
	struct program	program;
	struct shown	shown;
	enum verdict	verdict;
	char		library[PATH_MAX];

	if (run->listen != NULL)
		arguments_listen_check(run->listen);
	if (run->trust != NULL)
		arguments_trust_check(run->trust);
	library_find(library);
	verdict = program_check(&program, run->command[0]);
	if (verdict != PROGRAM_FINE)
		refuse(&program, verdict);
	preload_set(library);
	if (run->listen != NULL)
		variable_set("USHER_LISTEN", run->listen);
	if (run->trust != NULL)
		variable_set("USHER_TRUST", run->trust);
	if (run->replace)
		replace_set();
	(void)execv(program.path, run->command);
	die(errno == ENOENT ? EXIT_MISSING : EXIT_DENIED, "%s: %s",
	    show(&shown, program.path), strerror(errno));
}
