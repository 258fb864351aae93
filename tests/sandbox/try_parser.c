/* SPDX-License-Identifier: ISC */
/*
 * A parser that can be told to misbehave, for tests only.  Linked with the
 * objects of usherd-tls or usherd-http and -Wl,--wrap=protocol_look.
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
#include "../../src/parser/lowat.h"
#include "../../src/parser/protocol.h"
#include "attacks.h"

enum look	__real_protocol_look(struct protocol_state *,
		    const uint8_t *, size_t, struct verdict *, size_t *);
enum look	__wrap_protocol_look(struct protocol_state *,
		    const uint8_t *, size_t, struct verdict *, size_t *);

#define WHOLE	sizeof(struct verdict)
#define A	{ "a.example" }

/* The lies that a parser can tell, the first part of whose name says by which
 * protocol's: tests/e2e/test_sandbox.py reads this table, too. */
static const struct saying {
	const char	*name;
	size_t		 size;		/* bytes of it that are written */
	struct verdict	 verdict;
} sayings[] = {
	{ "tls-unknown-id", WHOLE, { .id = 77, .code = VERDICT_NAMELESS,
	    .grant = GRANT_UNLIMITED } },
	{ "tls-no-code", WHOLE, { .id = 1, .code = 99 } },
	{ "tls-acme-two", WHOLE, { .id = 1, .code = VERDICT_NAMELESS,
	    .grant = GRANT_UNLIMITED, .acme = 2 } },
	{ "tls-torn", 100, { .code = VERDICT_PONG } },
	{ "tls-one-byte", 1, { .code = VERDICT_PONG } },
	{ "tls-path", WHOLE, { .id = 1, .code = VERDICT_NAMED,
	    .grant = GRANT_UNLIMITED, .name = { "../etc" } } },
	{ "tls-fronts-reason", WHOLE, { .id = 1, .code = VERDICT_REFUSED,
	    .refusal = REFUSAL_UNKNOWN } },
	{ "tls-https-reason", WHOLE, { .id = 1, .code = VERDICT_REFUSED,
	    .refusal = REFUSAL_METHOD } },
	{ "tls-no-reason", WHOLE, { .id = 1, .code = VERDICT_REFUSED } },
	{ "tls-huge-reason", WHOLE, { .id = 1, .code = VERDICT_REFUSED,
	    .refusal = 255 } },
	{ "tls-kept", WHOLE, { .id = 1, .code = VERDICT_NAMED, .name = A,
	    .grant = GRANT_UNLIMITED, .kept = 1 } },
	{ "tls-limited", WHOLE, { .id = 1, .code = VERDICT_NAMED, .name = A,
	    .grant = 500 } },
	{ "tls-kept-limited", WHOLE, { .id = 1, .code = VERDICT_NAMED,
	    .name = A, .grant = 500, .kept = 1 } },
	{ "tls-partial", WHOLE, { .id = 1, .code = VERDICT_NAMED, .name = A,
	    .grant = 500, .kept = 1, .partial = 1 } },
	{ "tls-pipelined", WHOLE, { .id = 1, .code = VERDICT_NAMED,
	    .name = A, .grant = GRANT_UNLIMITED, .pipelined = 1 } },
	{ "tls-more", WHOLE, { .id = 1, .code = VERDICT_MORE,
	    .grant = GRANT_UNLIMITED } },
	{ "tls-nameless-name", WHOLE, { .id = 1, .code = VERDICT_NAMELESS,
	    .name = A, .grant = GRANT_UNLIMITED } },
	{ "tls-refused-name", WHOLE, { .id = 1, .code = VERDICT_REFUSED,
	    .refusal = REFUSAL_TIMEOUT, .name = A } },
	{ "tls-refused-grant", WHOLE, { .id = 1, .code = VERDICT_REFUSED,
	    .refusal = REFUSAL_TIMEOUT, .grant = GRANT_UNLIMITED } },
	{ "tls-gone-kept", WHOLE, { .id = 1, .code = VERDICT_GONE,
	    .kept = 1 } },
	{ "tls-ready", WHOLE, { .code = VERDICT_READY } },
	{ "tls-pong", WHOLE, { .code = VERDICT_PONG } },
	{ "http-acme", WHOLE, { .id = 1, .code = VERDICT_NAMED, .name = A,
	    .grant = 10, .acme = 1 } },
	{ "http-no-grant", WHOLE, { .id = 1, .code = VERDICT_NAMED,
	    .name = A } },
	{ "http-kept-unlimited", WHOLE, { .id = 1, .code = VERDICT_NAMED,
	    .name = A, .grant = GRANT_UNLIMITED, .kept = 1 } },
	{ "http-partial-last", WHOLE, { .id = 1, .code = VERDICT_NAMED,
	    .name = A, .grant = 10, .partial = 1 } },
	{ "http-pipelined-first", WHOLE, { .id = 1, .code = VERDICT_NAMED,
	    .name = A, .grant = 10, .kept = 1, .pipelined = 1 } },
	{ "http-more-first", WHOLE, { .id = 1, .code = VERDICT_MORE,
	    .grant = 10, .kept = 1 } },
	{ "http-tlss-reason", WHOLE, { .id = 1, .code = VERDICT_REFUSED,
	    .refusal = REFUSAL_NOT_HELLO } },
	{ "http-pong", WHOLE, { .code = VERDICT_PONG } },
	/* of a connection that a relay has by then */
	{ "gone-moving", WHOLE, { .id = 1, .code = VERDICT_NAMED, .kept = 1,
	    .grant = 10, .name = A } },
	{ "gone-moving", WHOLE, { .id = 1, .code = VERDICT_GONE } },
	/* of one that has been refused by then, and its copy asked back */
	{ "twice-refused", WHOLE, { .id = 1, .code = VERDICT_NAMED,
	    .kept = 1, .grant = 10, .name = { "empty.example" } } },
	{ "twice-refused", WHOLE, { .id = 1, .code = VERDICT_NAMED,
	    .kept = 1, .grant = 10, .name = { "empty.example" } } },
};

/* id 1 in a saying stands for the connection that is looked at: its id is
 * not known here, but the first one of a fresh front has just that. */
static void
say(const char *name)
{
	size_t i, n;

	for (i = 0; i < sizeof(sayings) / sizeof(sayings[0]); i++) {
		n = strlen(sayings[i].name);
		if (strncmp(name, sayings[i].name, n) == 0 && name[n] == '.' &&
		    write(CHILD_REPORT, &sayings[i].verdict,
		    sayings[i].size) == -1)
			_exit(1);
	}
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

	(void)syscall(SYS_recvfrom, 8, &byte, 1, MSG_PEEK | MSG_DONTWAIT,
	    NULL, NULL);
	(void)syscall(SYS_recvfrom, CHILD_CONTROL, &byte, 0,
	    MSG_PEEK | MSG_DONTWAIT, NULL, NULL);
	(void)setsockopt(8, SOL_SOCKET, SO_RCVLOWAT, &lowat_steps[0],
	    sizeof(lowat_steps[0]));
	(void)syscall(SYS_write, CHILD_REPORT, &byte, 0);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED || munmap(page, 4096) == -1)
		_exit(1);
	(void)close(-1);
}

static void
misbehave(const char *name)
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
	attack_by_name(EYES, name);
}

enum look
__wrap_protocol_look(struct protocol_state *state, const uint8_t *bytes,
    size_t n, struct verdict *verdict, size_t *missing)
{
	enum look look;

	look = __real_protocol_look(state, bytes, n, verdict, missing);
	if (look == LOOK_VERDICT && verdict->code == VERDICT_NAMED &&
	    strncmp(verdict->name.text, "eyes-", 5) == 0)
		misbehave(verdict->name.text + 5);
	return look;
}
