/* SPDX-License-Identifier: ISC */
#ifndef USHER_OPTIONS_H
#define USHER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "../common/message.h"

enum { LISTENERS_MAX = 64, JOBS_MAX = 64 };

struct listen_option {
	enum protocol	 protocol;
	const char	*text;		/* "[ADDR:]PORT" or "fd:N" */
};

struct options {
	const char		*hosts;
	const char		*user;		/* NULL: not given */
	const char		*engine;
	unsigned int		 jobs;
	unsigned int		 grace;		/* seconds */
	bool			 dry;		/* try all, serve nobody */
	bool			 verbose;	/* log the steps of connections */
	unsigned int		 recycle;	/* connections, 0: never */
	struct listen_option	 listen[LISTENERS_MAX];
	size_t			 nlisten;
};

/*
 * Reads the command line, usherd(8).  Exits 0 after -h and -V, 1 with a line
 * on stderr when something is wrong.
 */
void	options_read(struct options *options, int argc, char *argv[]);

/* "0.1.0" */
extern const char options_version[];

#endif
