/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "script.h"

static const char blanks[] = " \t";

int
script_read(struct script *script, const char head[SCRIPT_HEAD])
{
	char	 line[SCRIPT_HEAD + 1];
	char	*name;
	size_t	 n, used;

	if (head[0] != '#' || head[1] != '!')
		return -1;
	memcpy(line, head, SCRIPT_HEAD);
	line[SCRIPT_HEAD] = '\0';
	used = strcspn(line, "\n");
	line[used] = '\0';
	name = line + 2 + strspn(line + 2, blanks);
	n = strcspn(name, blanks);
	/* An interpreter up to the last byte may go on behind it. */
	if (n == 0 || name + n == line + SCRIPT_HEAD)
		return -1;
	while (strchr(blanks, line[used - 1]) != NULL)
		line[--used] = '\0';
	memcpy(script->interpreter, name, n);
	script->interpreter[n] = '\0';
	name += n;
	name += strspn(name, blanks);
	memcpy(script->argument, name, strlen(name) + 1);
	return 0;
}

static int
is_env(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash == NULL ? path : slash + 1, "env") == 0;
}

/* Would this assignment change how the command is found or preloaded? */
static int
matters(const char *assignment)
{
	return strncmp(assignment, "PATH=", 5) == 0 ||
	    strncmp(assignment, "LD_", 3) == 0 ||
	    strncmp(assignment, "USHER_", 6) == 0;
}

/*
 * The first word of env -S that is not an assignment.  Quotes, backslashes,
 * variables and comments, which -S knows too, are not understood, and neither
 * are further options: -i and -u could take the preload away.
 */
static const char *
split_command(char *text)
{
	const char *word;

	if (strpbrk(text, "\\'\"$#") != NULL)
		return NULL;
	while ((word = strsep(&text, " \t\v\f\r")) != NULL) {
		if (*word == '\0')
			continue;
		if (*word == '-' || matters(word))
			return NULL;
		if (strchr(word, '=') == NULL)
			return word;
	}
	return NULL;
}

const char *
script_command(struct script *script)
{
	if (!is_env(script->interpreter))
		return script->interpreter;
	if (strncmp(script->argument, "-S", 2) == 0)
		return split_command(script->argument + 2);
	/* Of these, env would make options and assignments. */
	if (script->argument[0] == '\0' || script->argument[0] == '-' ||
	    strchr(script->argument, '=') != NULL)
		return NULL;
	return script->argument;
}
