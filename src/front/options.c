/* SPDX-License-Identifier: ISC */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/launch.h"
#include "options.h"

static unsigned int
number(const char *text, char **end)
{
	unsigned long value;

	errno = 0;
	value = strtoul(text, end, 10);
	if (errno != 0 || *end == text || value > INT_MAX)
		errx(1, "%s: not a number", text);
	return (unsigned int)value;
}

static unsigned int
whole(const char *text)
{
	char		*end;
	unsigned int	 value = number(text, &end);

	if (*end != '\0')
		errx(1, "%s: not a number", text);
	return value;
}

static void
ids_read(struct front_options *options, const char *text)
{
	char *end;

	options->uid = number(text, &end);
	if (*end != ':')
		errx(1, "%s: not UID:GID", text);
	options->gid = whole(end + 1);
	options->change_ids = true;
}

static void
listeners_read(struct front_options *options, const char *text)
{
	struct accept_listener	*listener;
	unsigned int		 changed, given;
	char			 protocol;
	int			 n;

	while (*text != '\0') {
		if (options->nlisteners == FRONT_LISTENERS_MAX ||
		    sscanf(text, "%c:%u:%u%n", &protocol, &changed, &given,
		    &n) != 3 || (protocol != 't' && protocol != 'h'))
			errx(1, "%s: not a list of listeners", text);
		listener = &options->listeners[options->nlisteners];
		listener->fd = FRONT_LISTENERS + (int)options->nlisteners++;
		listener->protocol = protocol == 't' ? PROTOCOL_TLS :
		    PROTOCOL_HTTP;
		listener->changed = changed;
		listener->given = given != 0;
		text += n;
		text += *text == ',';
	}
}

static void
option_take(struct front_options *options, int option)
{
	switch (option) {
	case 'd':
		options->hosts = optarg;
		break;
	case 'i':
		ids_read(options, optarg);
		break;
	case 'j':
		options->shards = whole(optarg);
		break;
	case 'l':
		listeners_read(options, optarg);
		break;
	case 'n':
		options->descriptors = whole(optarg);
		break;
	case 'r':
		options->recycle = whole(optarg);
		break;
	case 's':
		options->shard = whole(optarg);
		break;
	case 'v':
		options->verbose = true;
		break;
	default:
		exit(1);
	}
}

void
front_options(struct front_options *options, int argc, char *argv[])
{
	int option;

	memset(options, 0, sizeof(*options));
	while ((option = getopt(argc, argv, "d:i:j:l:n:r:s:v")) != -1)
		option_take(options, option);
	if (options->hosts == NULL || options->descriptors == 0 ||
	    options->shards == 0 || options->nlisteners == 0)
		errx(1, "started by hand: usherd(8) starts this program");
}
