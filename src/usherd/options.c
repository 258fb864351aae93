/* SPDX-License-Identifier: ISC */
#include <err.h>
#include <errno.h>
#include <event2/event-config.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../sandbox/sandbox.h"
#include "options.h"

enum {
	JOBS_DEFAULT_MAX = 8,
	GRACE_DEFAULT = 10,
	GRACE_MAX = 7 * 24 * 3600,
	RECYCLE_DEFAULT = 100 * 1000,
	RECYCLE_MAX = 1000 * 1000 * 1000
};

const char options_version[] = USHER_VERSION;

static const char usage[] =
"usage: usherd [-d DIR] [-t [ADDR:]PORT]... [-p [ADDR:]PORT]... [-u USER]\n"
"              [-j N] [-T cursor|bearssl|both] [-g SECONDS] [-N NUMBER]\n"
"              [-nv]\n"
"       usherd -h | -V\n"
"\n"
"Shows each connection to the UNIX socket of the tenant that it names.\n"
"\n"
"  -d DIR      hosts directory: DIR/NAME/tls-socket, DIR/NAME/http-socket,\n"
"              see usher-hosts(5)  (default: the current directory)\n"
"  -t ADDRESS  listen for TLS, routed by SNI:  443, 192.0.2.1:443,\n"
"              [::1]:443, or fd:N for an inherited listening socket\n"
"  -p ADDRESS  listen for plain HTTP/1.1, routed by Host\n"
"  -u USER     user to become when started by root  (default: _usherd)\n"
"  -j N        N shards, each with a front, parsers and relays, 1 to 64\n"
"              (default: online CPUs, at most 8)\n"
"  -T ENGINE   who reads the ClientHello: cursor, bearssl, or both, who\n"
"              must agree  (default: cursor)\n"
"  -g SECONDS  how long established connections may go on after SIGTERM\n"
"              (default: 10)\n"
"  -N NUMBER   connections after which a parser is replaced, as it is after\n"
"              an hour; 0: never  (default: 100000)\n"
"  -n          try everything that a start and a connection need, serve\n"
"              nobody, and exit 0, or 1 with what is wrong\n"
"  -v          write each step of each connection's state machine to the log\n"
"  -V          version, libraries, sandbox\n"
"  -h          this text\n"
"\n"
"Without -t and -p the sockets of LISTEN_FDS are used (names in\n"
"LISTEN_FDNAMES begin with tls or http), else descriptor 0.\n"
"\n"
"Signals:  TERM, INT  stop, and cut what is left after -g; twice: at once\n"
"          QUIT       stop when all connections have ended\n"
"          USR1       write counts to the log\n"
"          USR2       upgrade in place: the program at this path takes over\n";

static unsigned int
number(char option, const char *text, unsigned long min, unsigned long max)
{
	unsigned long	 value;
	char		*end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || text[0] == '-' ||
	    value < min || value > max)
		errx(1, "-%c %s: must be a number from %lu to %lu", option,
		    text, min, max);
	return (unsigned int)value;
}

static void
listen_add(struct options *options, enum protocol protocol, const char *text)
{
	const char	*colon = strrchr(text, ':');
	const char	*port = colon == NULL ? text : colon + 1;
	const bool	 any = strcmp(port, "0") == 0 &&
			    strncmp(text, "fd:", 3) != 0;
	size_t		 i;

	/* Port 0 is another one each time. */
	for (i = 0; i < options->nlisten && !any; i++) {
		if (strcmp(options->listen[i].text, text) == 0)
			errx(1, "%s %s: given twice",
			    protocol == PROTOCOL_TLS ? "-t" : "-p", text);
	}
	if (options->nlisten == LISTENERS_MAX)
		errx(1, "more than %d of -t and -p", LISTENERS_MAX);
	options->listen[options->nlisten].protocol = protocol;
	options->listen[options->nlisten++].text = text;
}

static const char *
engine(const char *text)
{
	if (strcmp(text, "cursor") != 0 && strcmp(text, "bearssl") != 0 &&
	    strcmp(text, "both") != 0)
		errx(1, "-T %s: must be cursor, bearssl or both", text);
	return text;
}

static unsigned int
processors(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	if (n < 1)
		return 1;
	return n > JOBS_DEFAULT_MAX ? JOBS_DEFAULT_MAX : (unsigned int)n;
}

static void __attribute__((noreturn))
version(void)
{
	(void)printf("usherd %s\nlibevent %s\nBearSSL (its hello parser; "
	    "the library states no version)\nsandbox: %s\n", options_version,
	    EVENT__VERSION, sandbox_name());
	exit(fflush(stdout) == 0 ? 0 : 1);
}

static void __attribute__((noreturn))
help(void)
{
	(void)fputs(usage, stdout);
	exit(fflush(stdout) == 0 ? 0 : 1);
}

/* getopt_long(3) leaves the letter in optopt, or 0 for a long option. */
static void __attribute__((noreturn))
wrong(int kind, const char *argument)
{
	const char	letter[] = { '-', (char)optopt, '\0' };
	const char	*name = optopt == 0 || strncmp(argument, "--", 2) == 0 ?
			    argument : letter;

	errx(1, "%s: %s; usherd -h shows the usage", name, kind == ':' ?
	    "needs an argument" : "no such option");
}

static void
option_take(struct options *options, int option)
{
	switch (option) {
	case 'd':
		options->hosts = optarg;
		break;
	case 't':
		listen_add(options, PROTOCOL_TLS, optarg);
		break;
	case 'p':
		listen_add(options, PROTOCOL_HTTP, optarg);
		break;
	case 'u':
		options->user = optarg;
		break;
	case 'j':
		options->jobs = number('j', optarg, 1, JOBS_MAX);
		break;
	case 'T':
		options->engine = engine(optarg);
		break;
	case 'g':
		options->grace = number('g', optarg, 0, GRACE_MAX);
		break;
	case 'n':
		options->dry = true;
		break;
	case 'v':
		options->verbose = true;
		break;
	case 'N':
		options->recycle = number('N', optarg, 0, RECYCLE_MAX);
		break;
	case 'V':
		version();
	case 'h':
		help();
	}
}

void
options_read(struct options *options, int argc, char *argv[])
{
	static const struct option longs[] = {
		{ "dry-run", no_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ "recycle", required_argument, NULL, 'N' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 }
	};
	int option;

	opterr = 0;	/* ours says where help is */
	memset(options, 0, sizeof(*options));
	options->hosts = ".";
	options->engine = "cursor";
	options->jobs = processors();
	options->grace = GRACE_DEFAULT;
	options->recycle = RECYCLE_DEFAULT;
	while ((option = getopt_long(argc, argv, ":d:t:p:u:j:T:g:nN:vVh", longs,
	    NULL)) != -1) {
		if (option == '?' || option == ':')
			wrong(option, argv[optind - 1]);
		option_take(options, option);
	}
	if (optind < argc)
		errx(1, "%s: unexpected argument; usherd -h shows the usage",
		    argv[optind]);
}
