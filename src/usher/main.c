/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"
#include "say.h"

static const char usage[] =
"usage: usher run [-r] [-l PORT=PATH[,PORT=PATH...]]... [-T USER[,USER...]]\n"
"                 [--] command [argument ...]\n"
"       usher -h | -V\n";

static const char help[] =
"\n"
"Runs a server that does not know of usherd, so that it takes over the\n"
"connections that usherd hands to it: usher-handoff(7).\n"
"\n"
"  -l PORT=PATH  when the server listens on TCP port PORT, listen on the UNIX\n"
"                socket PATH instead, /srv/hosts/NAME/tls-handoff or\n"
"                /srv/hosts/NAME/http-handoff; not needed if the server can\n"
"                listen there by itself\n"
"  -r            (--replace) take the place of the server that listens there,\n"
"                once the new one listens; the old one keeps its connections\n"
"  -T USER       who may hand connections in, beside root and the owner of\n"
"                the socket's directory  (default: _usherd)\n"
"  -h            this text\n"
"  -V            version\n"
"\n"
"Servers that are static, written in Go, or set-user-ID cannot be run like\n"
"this; they are told so, and can listen on tls-socket or http-socket.\n";

static void __attribute__((noreturn, format(printf, 1, 2)))
misused(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vfprintf(stderr, format, arguments);
	va_end(arguments);
	(void)fprintf(stderr, "\n%s", usage);
	exit(1);
}

static void __attribute__((noreturn))
help_print(void)
{
	(void)printf("%s%s", usage, help);
	exit(fflush(stdout) == 0 ? 0 : 1);
}

static void __attribute__((noreturn))
version_print(void)
{
	(void)printf("usher %s\n", USHER_VERSION);
	exit(fflush(stdout) == 0 ? 0 : 1);
}

/* Several of an option count like one with commas. */
static const char *
list_join(const char *list, const char *more)
{
	char *joined;

	if (list == NULL)
		return more;
	if (asprintf(&joined, "%s,%s", list, more) == -1)
		die(1, "%s", strerror(errno));
	return joined;
}

static void
option_take(struct run *run, int option, const char *word)
{
	const char	letter[] = { '-', (char)optopt, '\0' };
	struct shown	shown;

	switch (option) {
	case 'l':
		run->listen = list_join(run->listen, optarg);
		break;
	case 'r':
		run->replace = true;
		break;
	case 'T':
		run->trust = list_join(run->trust, optarg);
		break;
	case 'h':
		help_print();
	case ':':
		misused("usher run: -%c: needs an argument", optopt);
	default:
		/* What is known of a long option is only where it was. */
		misused("usher run: %s: unknown option",
		    show(&shown, optopt == 0 ? word : letter));
	}
}

static void __attribute__((noreturn))
run_main(int argc, char *argv[])
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "replace", no_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 }
	};
	struct run	run = { NULL, NULL, false, NULL };
	int		option;

	opterr = 0;
	/* "+": the options after the command are the command's. */
	while ((option = getopt_long(argc, argv, "+:l:rT:h", longs, NULL)) !=
	    -1)
		option_take(&run, option, argv[optind - 1]);
	if (optind == argc)
		misused("usher run: no command");
	run.command = argv + optind;
	run_command(&run);
}

int
main(int argc, char *argv[])
{
	struct shown	 shown;
	const char	*word = argc < 2 ? "" : argv[1];

	if (strcmp(word, "run") == 0)
		run_main(argc - 1, argv + 1);
	if (strcmp(word, "-V") == 0 || strcmp(word, "--version") == 0)
		version_print();
	if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0)
		help_print();
	if (argc < 2)
		misused("usher: no subcommand");
	misused("usher: %s: unknown subcommand", show(&shown, word));
}
