/* SPDX-License-Identifier: ISC */
/*
 * A parser that can be told to misbehave, for tests only.  Linked with the
 * objects of usherd-tls or usherd-http and -Wl,--wrap=protocol_look.
 *
 * eyes-ATTACK	an attack of attacks.c
 * eyes-rights	what the filter does allow: it goes on as shipped
 * eyes-hang	never comes back
 * eyes-abort	dies
 * eyes-SAYING	a record that breaks the parent's rules, see sayings[]
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/common/refusal.h"
#include "../../src/parser/protocol.h"
#include "attacks.h"

enum look	__real_protocol_look(struct protocol_state *,
		    const uint8_t *, size_t, struct verdict *, size_t *);
enum look	__wrap_protocol_look(struct protocol_state *,
		    const uint8_t *, size_t, struct verdict *, size_t *);

/* The lies that a parser can tell, D1 and D2 of attacks.md. */
static const struct saying {
	const char	*name;
	size_t		 size;		/* bytes of it that are written */
	struct verdict	 verdict;
} sayings[] = {
	{ "unknown-id", sizeof(struct verdict),
	    { .id = 77, .code = VERDICT_NAMELESS } },
	{ "no-code", sizeof(struct verdict), { .id = 1, .code = 99 } },
	{ "acme-two", sizeof(struct verdict),
	    { .id = 1, .code = VERDICT_NAMELESS, .acme = 2 } },
	{ "torn", 100, { .id = 1, .code = VERDICT_PONG } },
	{ "one-byte", 1, { .id = 1, .code = VERDICT_PONG } },
	{ "path", sizeof(struct verdict),
	    { .id = 1, .code = VERDICT_NAMED, .name = { "../etc" } } },
	{ "parents-reason", sizeof(struct verdict), { .id = 1,
	    .code = VERDICT_REFUSED, .refusal = REFUSAL_UNKNOWN } },
	{ "no-reason", sizeof(struct verdict),
	    { .id = 1, .code = VERDICT_REFUSED } },
	{ "huge-reason", sizeof(struct verdict),
	    { .id = 1, .code = VERDICT_REFUSED, .refusal = 255 } },
	/* of a connection that a relay has by then */
	{ "gone-moving", sizeof(struct verdict), { .id = 1,
	    .code = VERDICT_NAMED, .kept = 1, .grant = 10,
	    .name = { "a.example" } } },
	{ "gone-moving", sizeof(struct verdict),
	    { .id = 1, .code = VERDICT_GONE } },
};

/* id 1 in a saying stands for the connection that is looked at: its id is
 * not known here, but the first one of a fresh parent has just that. */
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

/* More than a pipe holds: the parent must read, judge and kill. */
static void
flood(void)
{
	static struct verdict	pongs[VERDICT_BATCH];
	size_t			i;

	for (i = 0; i < VERDICT_BATCH; i++)
		pongs[i].code = VERDICT_PONG;
	for (i = 0; i < 100 * 1000; i++) {
		if (write(CHILD_REPORT, pongs, sizeof(pongs)) == -1)
			_exit(1);
	}
}

/* The neighbours of what is forbidden. */
static void
rights(void)
{
	static char	byte;
	const int	one = 1;
	void		*page;

	(void)syscall(SYS_recvfrom, 8, &byte, 1, MSG_PEEK | MSG_DONTWAIT,
	    NULL, NULL);
	(void)syscall(SYS_recvfrom, CHILD_CONTROL, &byte, 0,
	    MSG_PEEK | MSG_DONTWAIT, NULL, NULL);
	(void)setsockopt(8, SOL_SOCKET, SO_RCVLOWAT, &one, sizeof(one));
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
