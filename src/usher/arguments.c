/* SPDX-License-Identifier: ISC */
#include <sys/stat.h>

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../accept/settings.h"
#include "arguments.h"
#include "say.h"

enum { PORT_MAX = 65535 };

/* What a socket must be called for the library to take connections there. */
static const char suffix[] = "-handoff";

/*
 * Copies the item at the beginning of list, up to a comma; gives what follows
 * the comma, or NULL when this was the last.
 */
static const char *
item_take(char *item, size_t size, char option, const char *list)
{
	struct shown	shown;
	size_t		n = strcspn(list, ",");

	if (n == 0)
		die(1, "-%c: an item is empty", option);
	if (n >= size)
		die(1, "-%c %s: too long", option, show(&shown, list));
	memcpy(item, list, n);
	item[n] = '\0';
	return list[n] == ',' ? list + n + 1 : NULL;
}

/* Nothing but digits up to end, and a value from min to max. */
static bool
is_number(const char *text, const char *end, unsigned long min,
    unsigned long max)
{
	unsigned long value;

	if (text == end || text + strspn(text, "0123456789") != end)
		return false;
	errno = 0;
	value = strtoul(text, NULL, 10);
	return errno == 0 && value >= min && value <= max;
}

/* Leaves only the directory of the path. */
static void
path_check(char *path, const char *option)
{
	struct stat	 directory;
	size_t		 n = strlen(path);

	if (path[0] != '/')
		die(1, "%s: the path must begin with a slash", option);
	if (n < strlen(suffix) ||
	    strcmp(path + n - strlen(suffix), suffix) != 0)
		die(1, "%s: the socket must have a name like tls%s or http%s",
		    option, suffix, suffix);
	strrchr(path, '/')[1] = '\0';
	if (stat(path, &directory) == -1)
		die(1, "%s: its directory: %s", option, strerror(errno));
	if (!S_ISDIR(directory.st_mode))
		die(1, "%s: its directory: not a directory", option);
}

/* Gives the port. */
static unsigned long
listen_check(char *item)
{
	char		 option[SHOWN_MAX + sizeof("-l ")];
	struct shown	 shown;
	char		*equals = strchr(item, '=');

	(void)snprintf(option, sizeof(option), "-l %s", show(&shown, item));
	if (equals == NULL)
		die(1, "%s: must be PORT=PATH", option);
	if (!is_number(item, equals, 1, PORT_MAX))
		die(1, "%s: the port must be a number from 1 to %d", option,
		    PORT_MAX);
	path_check(equals + 1, option);
	return strtoul(item, NULL, 10);
}

static void
twice_check(const unsigned long *ports, size_t n, unsigned long port)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (ports[i] == port)
			die(1, "-l: port %lu is there twice", port);
	}
}

void
arguments_listen_check(const char *list)
{
	unsigned long	ports[SETTINGS_PORTS];
	char		item[PATH_MAX];
	size_t		n;

	for (n = 0; list != NULL; n++) {
		if (n == SETTINGS_PORTS)
			die(1, "-l: more than %d ports", SETTINGS_PORTS);
		list = item_take(item, sizeof(item), 'l', list);
		ports[n] = listen_check(item);
		twice_check(ports, n, ports[n]);
	}
}

void
arguments_trust_check(const char *list)
{
	struct shown	shown;
	char		name[LOGIN_NAME_MAX];
	int		n;

	for (n = 0; list != NULL; n++) {
		if (n == SETTINGS_USERS)
			die(1, "-T: more than %d users", SETTINGS_USERS);
		list = item_take(name, sizeof(name), 'T', list);
		if (!is_number(name, name + strlen(name), 0,
		    (uid_t)-1 - 1UL) && getpwnam(name) == NULL)
			die(1, "-T %s: no such user", show(&shown, name));
	}
}
