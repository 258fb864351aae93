/* SPDX-License-Identifier: ISC */
/*
 * A usherd-http that lies to the relay of its pair, for tests only: linked
 * with the objects of usherd-http and -Wl,--wrap= of message_take, from which
 * it knows the ids of its connections, and of write and read, so that the
 * numbers of what it grants stay in order.
 *
 * eyes-grant-LIE	the records of lies[] in one write
 * eyes-grant-flood-LIE	the first of them, 100,000 times
 * eyes-grant-silent	nothing is granted any more
 * eyes-grant-sweep	all of its other connections are cut
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "../../src/child/message_take.h"
#include "misled.h"

/*
 * Whom a lie is about: tests/e2e/test_lies.py makes these connections in this
 * order, and then the one that has it told.  In the place of an id.
 */
enum {
	ENDED = 0xfffffff0,	/* one that has ended */
	REFUSED,		/* and one that was refused */
	IDLE,			/* one exchange is over */
	BUSY,			/* half of a response with a length is over */
	TUNNEL,
	OWN,			/* the one that has it told, which no relay has
				 * yet, or has by the time it reads this */
	NOBODY			/* an id that nobody was ever given */
};

/* In the place of a serial: not the one that follows. */
enum {
	AGAIN = 1,
	AHEAD,
	FAR
};

enum {
	SHOWN_MAX = 4096,
	RECORDS = 3,		/* of one lie at most */
	FLOOD = 100 * 1000
};

#define HALF	((uint64_t)1 << 63)
#define WHOLE	sizeof(struct grant)
#define U	GRANT_UNLIMITED
#define FLAGS(whom, bits)						\
	{ .id = (whom), .backend = 1, .flags = (bits) }
#define UP(whom, bytes)							\
	{ .id = (whom), .backend = 1, .up = (bytes) }
#define DOWN(whom, bytes)						\
	{ .id = (whom), .backend = 1, .down = (bytes) }

/*
 * The first word of a name says what comes of it, for test_lies.py: "breach",
 * the relay believes this parser nothing more; "void", it is passed over;
 * "free", it may be true, and does what it says within this pair.
 */
static const struct lie {
	const char	*name;
	size_t		 size;		/* bytes that are written */
	struct grant	 grants[RECORDS];
} lies[] = {
	{ "breach-no-id", WHOLE, { UP(0, 1) } },
	{ "breach-no-backend", WHOLE, {
	    { .id = IDLE, .backend = 0, .up = 1 } } },
	{ "breach-next-backend", WHOLE, {
	    { .id = IDLE, .backend = 2, .up = 1 } } },
	{ "breach-far-backend", WHOLE, {
	    { .id = IDLE, .backend = 3, .up = 1 } } },
	{ "breach-huge-backend", WHOLE, {
	    { .id = IDLE, .backend = UINT32_MAX, .up = 1 } } },
	{ "breach-busy-backend", WHOLE, {
	    { .id = BUSY, .backend = 2, .down = 1 } } },
	{ "breach-void-backend", WHOLE, {
	    { .id = NOBODY, .backend = 0, .up = 1 } } },
	{ "breach-up", WHOLE, { UP(IDLE, HALF) } },
	{ "breach-up-huge", WHOLE, { UP(IDLE, U - 1) } },
	{ "breach-down", WHOLE, { DOWN(IDLE, HALF) } },
	{ "breach-down-huge", WHOLE, { DOWN(IDLE, U - 1) } },
	{ "breach-up-sum", 2 * WHOLE, { UP(BUSY, HALF / 2),
	    UP(BUSY, HALF / 2) } },
	{ "breach-down-sum", 2 * WHOLE, { DOWN(BUSY, HALF / 2),
	    DOWN(BUSY, HALF / 2) } },
	{ "breach-up-behind-unlimited", 2 * WHOLE, { UP(BUSY, U),
	    UP(BUSY, 1) } },
	{ "breach-down-behind-unlimited", 2 * WHOLE, { DOWN(BUSY, U),
	    DOWN(BUSY, 1) } },
	{ "breach-flag", WHOLE, { FLAGS(IDLE, 1 << 20) } },
	{ "breach-flag-high", WHOLE, { FLAGS(IDLE, 1U << 31) } },
	{ "breach-flag-void", WHOLE, { FLAGS(NOBODY, 1U << 31) } },
	{ "breach-stop-up", WHOLE, { { .id = BUSY, .backend = 1, .up = 1,
	    .flags = GRANT_STOP } } },
	{ "breach-stop-down", WHOLE, { { .id = BUSY, .backend = 1, .down = 1,
	    .flags = GRANT_STOP } } },
	{ "breach-stop-finish", WHOLE, {
	    FLAGS(BUSY, GRANT_STOP | GRANT_FINISH) } },
	{ "breach-stop-hurry", WHOLE, {
	    FLAGS(BUSY, GRANT_STOP | GRANT_HURRY) } },
	{ "breach-stop-calm", WHOLE, {
	    FLAGS(BUSY, GRANT_STOP | GRANT_CALM) } },
	{ "breach-nothing", WHOLE, { FLAGS(IDLE, 0) } },
	{ "breach-hurry-calm", WHOLE, {
	    FLAGS(BUSY, GRANT_HURRY | GRANT_CALM) } },
	{ "breach-finish-last", WHOLE, {
	    FLAGS(BUSY, GRANT_FINISH | GRANT_LAST) } },
	{ "breach-finish-tunnel", WHOLE, {
	    FLAGS(BUSY, GRANT_FINISH | GRANT_TUNNEL) } },
	{ "breach-finish-cut", WHOLE, {
	    FLAGS(BUSY, GRANT_FINISH | GRANT_CUT) } },
	{ "breach-last-tunnel", WHOLE, {
	    FLAGS(BUSY, GRANT_LAST | GRANT_TUNNEL) } },
	{ "breach-last-wary", WHOLE, {
	    FLAGS(BUSY, GRANT_LAST | GRANT_WARY) } },
	{ "breach-last-cut", WHOLE, { FLAGS(BUSY, GRANT_LAST | GRANT_CUT) } },
	{ "breach-tunnel-cut", WHOLE, {
	    FLAGS(BUSY, GRANT_TUNNEL | GRANT_CUT) } },
	{ "breach-all-flags", WHOLE, { FLAGS(BUSY, GRANT_CUT * 2 - 1) } },
	{ "breach-finish-twice", 2 * WHOLE, { FLAGS(BUSY, GRANT_FINISH),
	    FLAGS(BUSY, GRANT_FINISH) } },
	{ "breach-finish-then-up", 2 * WHOLE, { FLAGS(BUSY, GRANT_FINISH),
	    UP(BUSY, 1) } },
	{ "breach-finish-then-down", 2 * WHOLE, { FLAGS(BUSY, GRANT_FINISH),
	    DOWN(BUSY, 1) } },
	{ "breach-finish-then-tell", 2 * WHOLE, { FLAGS(BUSY, GRANT_FINISH),
	    FLAGS(BUSY, GRANT_TELL_DOWN) } },
	{ "breach-finish-then-tunnel", 2 * WHOLE, {
	    FLAGS(BUSY, GRANT_FINISH), FLAGS(BUSY, GRANT_TUNNEL) } },
	{ "breach-last-twice", 2 * WHOLE, { FLAGS(BUSY, GRANT_LAST),
	    FLAGS(BUSY, GRANT_LAST) } },
	{ "breach-last-then-down", 2 * WHOLE, { FLAGS(BUSY, GRANT_LAST),
	    DOWN(BUSY, 1) } },
	{ "breach-tunnel-twice", WHOLE, { FLAGS(TUNNEL, GRANT_TUNNEL) } },
	{ "breach-tunnel-then-up", WHOLE, { UP(TUNNEL, 1) } },
	{ "breach-tunnel-then-finish", WHOLE, {
	    FLAGS(TUNNEL, GRANT_FINISH) } },
	{ "breach-serial-again", WHOLE, {
	    { .id = IDLE, .backend = 1, .up = 1, .serial = AGAIN } } },
	{ "breach-serial-ahead", WHOLE, {
	    { .id = IDLE, .backend = 1, .up = 1, .serial = AHEAD } } },
	{ "breach-serial-far", WHOLE, {
	    { .id = IDLE, .backend = 1, .up = 1, .serial = FAR } } },
	{ "breach-one-byte", 1, { UP(IDLE, 1) } },
	{ "breach-torn", WHOLE - 1, { UP(NOBODY, 1) } },
	{ "breach-torn-behind", WHOLE + 1, { UP(NOBODY, 1) } },
	{ "void-unknown", WHOLE, { UP(NOBODY, 1) } },
	{ "void-unknown-unlimited", WHOLE, { { .id = NOBODY, .backend = 1,
	    .up = U, .down = U, .flags = GRANT_TELL_UP } } },
	{ "void-unknown-finish", WHOLE, { FLAGS(NOBODY, GRANT_FINISH) } },
	{ "void-unknown-backend", WHOLE, {
	    { .id = NOBODY, .backend = 7, .up = 1 } } },
	{ "void-ended", WHOLE, { UP(ENDED, 1000) } },
	{ "void-ended-cut", WHOLE, { FLAGS(ENDED, GRANT_CUT) } },
	{ "void-refused", WHOLE, { UP(REFUSED, 1000) } },
	{ "free-before-attach", WHOLE, { UP(OWN, 1000) } },
	{ "free-before-attach-cut", WHOLE, { FLAGS(OWN, GRANT_CUT) } },
	{ "free-idle-up", WHOLE, { UP(IDLE, U) } },
	{ "free-idle-down", WHOLE, { DOWN(IDLE, U) } },
	{ "free-idle-stop", WHOLE, { FLAGS(IDLE, GRANT_STOP) } },
	{ "free-idle-hurry", WHOLE, { FLAGS(IDLE, GRANT_HURRY) } },
	{ "free-idle-calm", WHOLE, { FLAGS(IDLE, GRANT_CALM) } },
	{ "free-idle-away", WHOLE, { FLAGS(IDLE, GRANT_AWAY) } },
	{ "free-idle-finish", WHOLE, { FLAGS(IDLE, GRANT_FINISH) } },
	{ "free-idle-last", WHOLE, { FLAGS(IDLE, GRANT_LAST) } },
	{ "free-idle-tunnel", WHOLE, { FLAGS(IDLE, GRANT_TUNNEL) } },
	{ "free-idle-cut", WHOLE, { FLAGS(IDLE, GRANT_CUT) } },
	{ "free-idle-cut-twice", 2 * WHOLE, { FLAGS(IDLE, GRANT_CUT),
	    FLAGS(IDLE, GRANT_CUT) } },
	{ "free-busy-up", WHOLE, { UP(BUSY, U) } },
	{ "free-busy-down", WHOLE, { DOWN(BUSY, U) } },
	{ "free-busy-up-twice", 2 * WHOLE, { UP(BUSY, U), UP(BUSY, U) } },
	{ "free-busy-down-twice", 2 * WHOLE, { DOWN(BUSY, U),
	    DOWN(BUSY, U) } },
	{ "free-busy-stop", WHOLE, { FLAGS(BUSY, GRANT_STOP) } },
	{ "free-busy-hurry", WHOLE, { FLAGS(BUSY, GRANT_HURRY) } },
	{ "free-busy-finish", WHOLE, { FLAGS(BUSY, GRANT_FINISH) } },
	{ "free-busy-last", WHOLE, { FLAGS(BUSY, GRANT_LAST) } },
	{ "free-busy-tunnel", WHOLE, { FLAGS(BUSY, GRANT_TUNNEL) } },
	{ "free-busy-cut", WHOLE, { FLAGS(BUSY, GRANT_CUT) } },
	{ "flood-unknown", WHOLE, { UP(NOBODY, 1) } },
	{ "flood-ended", WHOLE, { FLAGS(ENDED, GRANT_TELL_UP) } },
	{ "flood-tell", WHOLE, {
	    FLAGS(IDLE, GRANT_TELL_UP | GRANT_TELL_DOWN) } },
	{ "flood-tell-busy", WHOLE, {
	    FLAGS(BUSY, GRANT_TELL_UP | GRANT_TELL_DOWN) } },
	{ "flood-up", WHOLE, { UP(BUSY, 1) } },
};

enum message_result __real_message_take(int, void *, size_t, int *, size_t,
	    size_t *);
enum message_result __wrap_message_take(int, void *, size_t, int *, size_t,
	    size_t *);
ssize_t	__real_write(int, const void *, size_t);
ssize_t	__wrap_write(int, const void *, size_t);
ssize_t	__real_read(int, void *, size_t);
ssize_t	__wrap_read(int, void *, size_t);

/* In the order in which they came, the last grant about each, and how many of
 * its grants were ours: what is true goes on behind them. */
static struct shown {
	uint32_t	id;
	uint32_t	serial;
	uint32_t	lies;
} shown[SHOWN_MAX];
static size_t	nshown;
static bool	silent;

enum message_result
__wrap_message_take(int fd, void *record, size_t size, int *fds, size_t max,
    size_t *nfds)
{
	const struct intake	*intake = record;
	enum message_result	 result;
	size_t			 i;

	result = __real_message_take(fd, record, size, fds, max, nfds);
	if (result != MESSAGE_TAKEN || size != sizeof(*intake))
		return result;
	for (i = 0; i < INTAKE_BATCH; i++) {
		if (intake->item[i].kind == INTAKE_SHOW && nshown < SHOWN_MAX)
			shown[nshown++].id = intake->item[i].id;
	}
	return result;
}

static struct shown *
find(uint32_t id)
{
	size_t i;

	for (i = 0; i < nshown; i++) {
		if (shown[i].id == id)
			return &shown[i];
	}
	return NULL;
}

/* What is true is said with the numbers that follow on the lies. */
static ssize_t
write_true(const void *bytes, size_t size)
{
	struct grant	 grants[GRANT_BATCH];
	struct shown	*about;
	size_t		 i;
	ssize_t		 n;

	if (size > sizeof(grants) || size % sizeof(grants[0]) != 0)
		_exit(5);
	memcpy(grants, bytes, size);
	for (i = 0; i < size / sizeof(grants[0]); i++) {
		about = find(grants[i].id);
		if (about != NULL)
			grants[i].serial += about->lies;
	}
	n = __real_write(CHILD_GRANT, grants, size);
	for (i = 0; n != -1 && i < size / sizeof(grants[0]); i++) {
		about = find(grants[i].id);
		if (about != NULL)
			about->serial = grants[i].serial;
	}
	return n;
}

ssize_t
__wrap_write(int fd, const void *bytes, size_t size)
{
	if (fd != CHILD_GRANT)
		return __real_write(fd, bytes, size);
	return silent ? (ssize_t)size : write_true(bytes, size);
}

/* And what is heard of them, as if it were about what is true only. */
ssize_t
__wrap_read(int fd, void *bytes, size_t size)
{
	struct progress	*said = bytes;
	struct shown	*about;
	ssize_t		 n;
	size_t		 i;

	n = __real_read(fd, bytes, size);
	if (fd != CHILD_PROGRESS || n <= 0)
		return n;
	for (i = 0; i < (size_t)n / sizeof(*said); i++) {
		about = find(said[i].id);
		if (about != NULL && said[i].serial != 0)
			said[i].serial -= about->lies;
	}
	return n;
}

/* Puts the id of whom it is about, and the number that follows. */
static void
address(struct grant *grant)
{
	const uint32_t	 how = grant->serial;
	struct shown	*about = NULL;

	grant->serial = 1;
	if (grant->id == OWN)	/* what is passed over is not counted */
		grant->id = nshown > 0 ? shown[nshown - 1].id : 1;
	else if (grant->id >= ENDED && grant->id - ENDED < nshown &&
	    grant->id < OWN)
		about = &shown[grant->id - ENDED];
	if (about == NULL)
		return;
	about->serial++;
	about->lies++;
	grant->id = about->id;
	grant->serial = about->serial;
	if (how == AGAIN)
		grant->serial--;
	else if (how == AHEAD)
		grant->serial++;
	else if (how == FAR)
		grant->serial += HALF >> 32;
}

static void
tell(const struct lie *lie)
{
	struct grant	grants[RECORDS];
	size_t		i;

	memcpy(grants, lie->grants, sizeof(grants));
	for (i = 0; i < RECORDS; i++)
		address(&grants[i]);
	if (__real_write(CHILD_GRANT, grants, lie->size) == -1)
		_exit(1);
}

static void
flood(const struct lie *lie)
{
	struct grant	grants[GRANT_BATCH];
	size_t		i, n, size = sizeof(grants);

	for (n = 0; n < FLOOD; n += GRANT_BATCH) {
		for (i = 0; i < GRANT_BATCH; i++) {
			grants[i] = lie->grants[0];
			address(&grants[i]);
		}
		while (__real_write(CHILD_GRANT, grants, size) == -1) {
			if (errno != EAGAIN)
				_exit(1);
		}
	}
}

static void
sweep(void)
{
	struct grant	grant;
	size_t		i;

	for (i = 0; i + 1 < nshown; i++) {
		memset(&grant, 0, sizeof(grant));
		grant.id = shown[i].id;
		grant.backend = 1;
		grant.flags = GRANT_CUT;
		grant.serial = shown[i].serial + 1;
		if (__real_write(CHILD_GRANT, &grant, sizeof(grant)) == -1)
			_exit(1);
	}
}

void
grants_misled(const char *name)
{
	size_t i, n;

	if (strncmp(name, "grant-", 6) != 0)
		return;
	name += 6;
	if (strncmp(name, "silent.", 7) == 0)
		silent = true;
	if (strncmp(name, "sweep.", 6) == 0)
		sweep();
	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		n = strlen(lies[i].name);
		if (strncmp(name, lies[i].name, n) != 0 || name[n] != '.')
			continue;
		if (strncmp(name, "flood-", 6) == 0)
			flood(&lies[i]);
		else
			tell(&lies[i]);
	}
}
