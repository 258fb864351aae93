/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "complain.h"
#include "name.h"
#include "settings.h"

#define DEFAULT_USER	"_usherd"
#define LISTEN		"USHER_LISTEN"
#define TRUST		"USHER_TRUST"
#define REPLACE		"USHER_REPLACE"

enum { DECIMAL = 10, HEX = 16, HEX_DIGITS = 8, PORT_MAX = 65535 };

static struct settings_port	ports[SETTINGS_PORTS];
static size_t			nports;
static uid_t			users[SETTINGS_USERS];
static struct usher_trust	trust = { users, 0 };
static bool			replace;
static uint32_t			generation;

static void __attribute__((noreturn))
refuse(const char *setting, const char *item, const char *why)
{
	complain("%s: '%.256s': %s", setting, item, why);
	_exit(1);
}

/* Digits only, and so few that the value fits. */
static bool
number(const char *text, unsigned long max, unsigned long *value)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*value = strtoul(text, &end, DECIMAL);
	return errno == 0 && *end == '\0' && *value <= max;
}

static void
add_port(char *item)
{
	struct settings_port	*new;
	unsigned long		 port;
	char			*path = strchr(item, '=');

	if (path == NULL)
		refuse(LISTEN, item, "must be PORT=PATH");
	if (path[1] != '/')
		refuse(LISTEN, item, "the path must begin with a slash");
	if (!name_is_handoff(path + 1))
		refuse(LISTEN, item, "the path must end in \"-handoff\"");
	if (strlen(path + 1) >= PATH_MAX)
		refuse(LISTEN, item, "the path is too long");
	*path = '\0';
	if (!number(item, PORT_MAX, &port) || port == 0)
		refuse(LISTEN, item, "not a port, 1 to 65535");
	if (settings_find((uint16_t)port) != NULL)
		refuse(LISTEN, item, "this port is there twice");
	if (nports == SETTINGS_PORTS)
		refuse(LISTEN, item, "too many ports");
	new = &ports[nports];
	new->port = (uint16_t)port;
	new->index = nports++;
	new->path = path + 1;
}

static void
add_user(char *item)
{
	const struct passwd	*pw;
	unsigned long		 value;

	if (trust.nuids == SETTINGS_USERS)
		refuse(TRUST, item, "too many users");
	if (number(item, (uid_t)-1 - 1UL, &value)) {
		users[trust.nuids++] = (uid_t)value;
		return;
	}
	pw = getpwnam(item);
	if (pw == NULL)
		refuse(TRUST, item, "no such user");
	users[trust.nuids++] = pw->pw_uid;
}

static void
read_items(const char *setting, char *text, void (*add)(char *))
{
	char *comma, *item;

	for (item = text; item != NULL; item = comma) {
		comma = strchr(item, ',');
		if (comma != NULL)
			*comma++ = '\0';
		if (*item == '\0')
			refuse(setting, item, "empty");
		add(item);
	}
}

/* A copy: programs write over their environment to change their title. */
static char *
setting_copy(const char *setting)
{
	const char	*text = getenv(setting);
	char		*copy;

	if (text == NULL)
		return NULL;
	copy = strdup(text);
	if (copy == NULL)
		refuse(setting, "", "out of memory");
	return copy;
}

static void
read_replace(void)
{
	const char *text = getenv(REPLACE);

	if (text == NULL)
		return;
	if (strlen(text) != HEX_DIGITS ||
	    strspn(text, "0123456789abcdef") != HEX_DIGITS)
		refuse(REPLACE, text, "must be eight hexadecimal digits");
	generation = (uint32_t)strtoul(text, NULL, HEX);
	replace = true;
}

void
settings_read(void)
{
	const int		 error = errno;
	const struct passwd	*pw;
	char			*text;

	text = setting_copy(LISTEN);
	if (text != NULL)
		read_items(LISTEN, text, add_port);
	text = setting_copy(TRUST);
	if (text != NULL) {
		read_items(TRUST, text, add_user);
		free(text);
	} else if ((pw = getpwnam(DEFAULT_USER)) != NULL) {
		users[trust.nuids++] = pw->pw_uid;
	}
	read_replace();
	errno = error;
}

const struct settings_port *
settings_find(uint16_t port)
{
	size_t i;

	for (i = 0; i < nports; i++) {
		if (ports[i].port == port)
			return &ports[i];
	}
	return NULL;
}

const struct usher_trust *
settings_trust(void)
{
	return &trust;
}

bool
settings_replace(uint32_t *number)
{
	if (replace && number != NULL)
		*number = generation;
	return replace;
}
