/* SPDX-License-Identifier: ISC */
/*
 * What a parser can be told to do that it must not, for tests only: by the
 * name that a client asks for.
 *
 * eyes-ATTACK	an attack of attacks.c
 * eyes-rights	what the filter does allow: it goes on as shipped
 * eyes-hang	never comes back
 * eyes-abort	dies
 * eyes-leave	ends as if it had nothing more to do
 * eyes-flood	answers nothing, without end
 * eyes-grow	takes memory; dies when there is no more of it
 * eyes-SAYING	a record that breaks the front's rules, see sayings[]
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/common/refusal.h"
#include "attacks.h"
#include "calls.h"
#include "misled.h"

#define WHOLE	sizeof(struct verdict)
#define A	{ "a.example" }

/* The lies that a parser can tell, the first part of whose name says by which
 * protocol's: tests/e2e/test_sandbox.py reads this table, too.  Rows of one
 * name are said one after the other. */
static const struct saying {
	const char	*name;
	size_t		 size;		/* bytes of it that are written */
	struct verdict	 verdict;
} sayings[] = {
	{ "tls-unknown-id", WHOLE, { .id = 77, .code = VERDICT_NAMELESS } },
	{ "tls-no-id", WHOLE, { .code = VERDICT_NAMELESS } },
	{ "tls-no-code", WHOLE, { .id = 1, .code = 99 } },
	{ "tls-zero-code", WHOLE, { .id = 1 } },
	{ "tls-acme-two", WHOLE, { .id = 1, .code = VERDICT_NAMELESS,
	    .acme = 2 } },
	{ "tls-zeros", WHOLE, { .id = 1, .code = VERDICT_NAMELESS,
	    .zeros = { 0, 1 } } },
	{ "tls-torn", 100, { .code = VERDICT_PONG } },
	{ "tls-one-byte", 1, { .code = VERDICT_PONG } },
	{ "tls-path", WHOLE, { .id = 1, .code = VERDICT_NAMED,
	    .name = { "../etc" } } },
	{ "tls-no-name", WHOLE, { .id = 1, .code = VERDICT_NAMED } },
	{ "tls-fronts-reason", WHOLE, { .id = 1, .code = VERDICT_REFUSED,
	    .refusal = REFUSAL_UNKNOWN } },
	{ "tls-https-reason", WHOLE, { .id = 1, .code = VERDICT_REFUSED,
	    .refusal = REFUSAL_METHOD } },
	{ "tls-no-reason", WHOLE, { .id = 1, .code = VERDICT_REFUSED } },
	{ "tls-huge-reason", WHOLE, { .id = 1, .code = VERDICT_REFUSED,
	    .refusal = 255 } },
	{ "tls-named-reason", WHOLE, { .id = 1, .code = VERDICT_NAMED,
	    .name = A, .refusal = REFUSAL_TIMEOUT } },
	{ "tls-head", WHOLE, { .id = 1, .code = VERDICT_NAMED, .name = A,
	    .head = 1 } },
	{ "tls-nameless-head", WHOLE, { .id = 1, .code = VERDICT_NAMELESS,
	    .head = 1 } },
	{ "tls-refused-head", WHOLE, { .id = 1, .code = VERDICT_REFUSED,
	    .refusal = REFUSAL_TIMEOUT, .head = 1 } },
	{ "tls-nameless-name", WHOLE, { .id = 1, .code = VERDICT_NAMELESS,
	    .name = A } },
	{ "tls-refused-name", WHOLE, { .id = 1, .code = VERDICT_REFUSED,
	    .refusal = REFUSAL_TIMEOUT, .name = A } },
	{ "tls-refused-acme", WHOLE, { .id = 1, .code = VERDICT_REFUSED,
	    .refusal = REFUSAL_TIMEOUT, .acme = 1 } },
	{ "tls-gone-name", WHOLE, { .id = 1, .code = VERDICT_GONE,
	    .name = A } },
	{ "tls-gone-acme", WHOLE, { .id = 1, .code = VERDICT_GONE,
	    .acme = 1 } },
	{ "tls-ready", WHOLE, { .code = VERDICT_READY } },
	{ "tls-pong", WHOLE, { .code = VERDICT_PONG } },
	{ "tls-pong-id", WHOLE, { .id = 1, .code = VERDICT_PONG } },
	{ "http-unknown-id", WHOLE, { .id = 77, .code = VERDICT_NAMELESS } },
	{ "http-no-code", WHOLE, { .id = 1, .code = VERDICT_GONE + 1 } },
	{ "http-acme", WHOLE, { .id = 1, .code = VERDICT_NAMED, .name = A,
	    .acme = 1 } },
	{ "http-acme-nameless", WHOLE, { .id = 1, .code = VERDICT_NAMELESS,
	    .acme = 1 } },
	{ "http-head-two", WHOLE, { .id = 1, .code = VERDICT_NAMED,
	    .name = A, .head = 2 } },
	{ "http-refused-head-two", WHOLE, { .id = 1,
	    .code = VERDICT_REFUSED, .refusal = REFUSAL_MALFORMED,
	    .head = 2 } },
	{ "http-gone-head", WHOLE, { .id = 1, .code = VERDICT_GONE,
	    .head = 1 } },
	{ "http-gone-reason", WHOLE, { .id = 1, .code = VERDICT_GONE,
	    .refusal = REFUSAL_MALFORMED } },
	{ "http-no-name", WHOLE, { .id = 1, .code = VERDICT_NAMED } },
	{ "http-nameless-name", WHOLE, { .id = 1, .code = VERDICT_NAMELESS,
	    .name = A } },
	{ "http-tlss-reason", WHOLE, { .id = 1, .code = VERDICT_REFUSED,
	    .refusal = REFUSAL_NOT_HELLO } },
	{ "http-fronts-reason", WHOLE, { .id = 1, .code = VERDICT_REFUSED,
	    .refusal = REFUSAL_UNKNOWN } },
	{ "http-zeros", WHOLE, { .id = 1, .code = VERDICT_NAMED, .name = A,
	    .zeros = { 1, 0 } } },
	{ "http-torn", WHOLE - 1, { .code = VERDICT_PONG } },
	{ "http-pong", WHOLE, { .code = VERDICT_PONG } },
	{ "http-ready", WHOLE, { .code = VERDICT_READY } },
	/* The first of two is legal. */
	{ "two-named-named", WHOLE, { .id = 1, .code = VERDICT_NAMED,
	    .name = A } },
	{ "two-named-named", WHOLE, { .id = 1, .code = VERDICT_NAMED,
	    .name = A } },
	{ "two-named-refused", WHOLE, { .id = 1, .code = VERDICT_NAMED,
	    .name = A } },
	{ "two-named-refused", WHOLE, { .id = 1, .code = VERDICT_REFUSED,
	    .refusal = REFUSAL_MALFORMED } },
	{ "two-gone-named", WHOLE, { .id = 1, .code = VERDICT_GONE } },
	{ "two-gone-named", WHOLE, { .id = 1, .code = VERDICT_NAMED,
	    .name = A } },
	{ "two-gone-gone", WHOLE, { .id = 1, .code = VERDICT_GONE } },
	{ "two-gone-gone", WHOLE, { .id = 1, .code = VERDICT_GONE } },
	{ "two-refused-refused", WHOLE, { .id = 1, .code = VERDICT_REFUSED,
	    .refusal = REFUSAL_MALFORMED } },
	{ "two-refused-refused", WHOLE, { .id = 1, .code = VERDICT_REFUSED,
	    .refusal = REFUSAL_MALFORMED } },
	{ "two-refused-gone", WHOLE, { .id = 1, .code = VERDICT_REFUSED,
	    .refusal = REFUSAL_MALFORMED } },
	{ "two-refused-gone", WHOLE, { .id = 1, .code = VERDICT_GONE } },
	/* of one that has been refused by then, and its copy asked back */
	{ "twice-refused", WHOLE, { .id = 1, .code = VERDICT_NAMED,
	    .name = { "empty.example" } } },
	{ "twice-refused", WHOLE, { .id = 1, .code = VERDICT_NAMED,
	    .name = { "empty.example" } } },
};

/* id 1 in a saying stands for the connection that is looked at: its id is
 * not known here, but the first one of a fresh front has just that.  In one
 * write: between two of them the second could become true. */
static void
say(const char *name)
{
	static struct verdict	said[VERDICT_BATCH];
	size_t			i, n, size = 0;

	for (i = 0; i < sizeof(sayings) / sizeof(sayings[0]); i++) {
		n = strlen(sayings[i].name);
		if (strncmp(name, sayings[i].name, n) != 0 || name[n] != '.')
			continue;
		said[size / sizeof(said[0])] = sayings[i].verdict;
		size += sayings[i].size;
	}
	if (size > 0 && write(CHILD_REPORT, said, size) == -1)
		_exit(1);
}

static void
hang(void)
{
	static volatile unsigned long turns;

	for (;;)
		turns++;
}

/* More than a pipe holds: the front must read, judge and kill. */
static void
flood(void)
{
	static struct verdict	pongs[VERDICT_BATCH];
	size_t			i;

	for (i = 0; i < VERDICT_BATCH; i++)
		pongs[i].code = VERDICT_PONG;
	for (i = 0; i < 100 * 1000; ) {
		if (write(CHILD_REPORT, pongs, sizeof(pongs)) != -1)
			i++;
		else if (errno != EAGAIN)
			_exit(1);
	}
}

/* Takes memory as long as there is some: 64 MiB are too much. */
static void
grow(void)
{
	const size_t	piece = 1024 * 1024;
	int		i;

	for (i = 0; i < 64; i++) {
		if (mmap(NULL, piece, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			_exit(4);
	}
}

/* The neighbours of what is forbidden. */
static void
rights(void)
{
	static char	byte;
	void		*page;

	(void)syscall(SYS_recvfrom, CHILD_CLIENT, &byte, 1,
	    MSG_PEEK | MSG_DONTWAIT, NULL, NULL);
	(void)syscall(SYS_recvfrom, CHILD_CONTROL, &byte, 0,
	    MSG_PEEK | MSG_DONTWAIT, NULL, NULL);
	(void)syscall(SYS_write, CHILD_REPORT, &byte, 0);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED || munmap(page, 4096) == -1)
		_exit(1);
	(void)close(-1);
}

void
parser_misled(unsigned int roles, const char *name)
{
	if (strncmp(name, "hang.", 5) == 0)
		hang();
	else if (strncmp(name, "abort.", 6) == 0)
		_exit(3);
	else if (strncmp(name, "leave.", 6) == 0)
		_exit(0);
	else if (strncmp(name, "grow.", 5) == 0)
		grow();
	else if (strncmp(name, "flood.", 6) == 0)
		flood();
	else if (strncmp(name, "rights.", 7) == 0)
		rights();
	say(name);
	attack_by_name(roles, name);
}
