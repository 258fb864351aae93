/* SPDX-License-Identifier: ISC */
/*
 * A relay that lies to its front and to its parser, for tests only.
 *
 * It sees no names and no bytes, but may ask how many bytes of a client it
 * has not taken in yet: a first flight of LIES bytes brings the first lie of
 * the first table, one of LIES + 1 bytes the second, one of TALES bytes the
 * first of the second table.
 */
#include <sys/ioctl.h>

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "lies.h"

enum {
	LIES = 7000,		/* tests/e2e/test_sandbox.py knows them, too */
	TALES = 7500,
	OWN = 0xffffffff,	/* stands for the id of this connection */
	OTHER = 0xfffffffe,	/* and of the one that came before it */
	MANY = 300		/* more than any test has connections */
};

#define HALF	((uint64_t)1 << 63)
#define WHOLE	sizeof(struct report)
#define TOLD	sizeof(struct progress)

/* To the front. */
static const struct lie {
	const char	*name;
	size_t		 size;		/* of a record, that is written */
	struct report	 report;
	size_t		 times;		/* 0: once */
} lies[] = {
	{ "tls-zero", WHOLE, { .kind = 0 }, 0 },
	{ "tls-kind", WHOLE, { .kind = REPORT_ENDED + 1 }, 0 },
	{ "tls-kind-huge", WHOLE, { .kind = 255 }, 0 },
	{ "tls-ready", WHOLE, { .kind = REPORT_READY }, 0 },
	{ "tls-pong", WHOLE, { .kind = REPORT_PONG }, 0 },
	{ "tls-pong-id", WHOLE, { .kind = REPORT_PONG, .id = 1 }, 0 },
	{ "tls-pong-bytes", WHOLE, { .kind = REPORT_PONG, .up = 1 }, 0 },
	{ "tls-ending-none", WHOLE, { .kind = REPORT_ENDED }, 0 },
	{ "tls-ending-many", WHOLE, { .kind = REPORT_ENDED,
	    .ending = ENDING_COUNT }, 0 },
	{ "tls-ending-huge", WHOLE, { .kind = REPORT_ENDED, .ending = 255 },
	    0 },
	{ "tls-zeros", WHOLE, { .kind = REPORT_ENDED, .ending = ENDING_WHOLE,
	    .zeros = { 0, 1 } }, 0 },
	{ "tls-id", WHOLE, { .kind = REPORT_ENDED, .ending = ENDING_WHOLE,
	    .id = 1 }, 0 },
	{ "tls-up", WHOLE, { .kind = REPORT_ENDED, .ending = ENDING_WHOLE,
	    .up = HALF }, 0 },
	{ "tls-down", WHOLE, { .kind = REPORT_ENDED, .ending = ENDING_WHOLE,
	    .down = UINT64_MAX }, 0 },
	{ "tls-more-than-there-are", WHOLE, { .kind = REPORT_ENDED,
	    .ending = ENDING_WHOLE }, MANY },
	{ "tls-torn", WHOLE - 1, { .kind = REPORT_ENDED,
	    .ending = ENDING_WHOLE }, 0 },
	{ "tls-one-byte", 1, { .kind = REPORT_ENDED }, 0 },
	{ "http-pong", WHOLE, { .kind = REPORT_PONG }, 0 },
	{ "http-ending-none", WHOLE, { .kind = REPORT_ENDED, .id = OWN }, 0 },
	{ "http-zeros", WHOLE, { .kind = REPORT_ENDED, .id = OWN,
	    .ending = ENDING_WHOLE, .zeros = { 1, 0 } }, 0 },
	{ "http-up", WHOLE, { .kind = REPORT_ENDED, .id = OWN,
	    .ending = ENDING_WHOLE, .up = HALF }, 0 },
	{ "http-down", WHOLE, { .kind = REPORT_ENDED, .id = OWN,
	    .ending = ENDING_WHOLE, .down = HALF }, 0 },
	{ "http-no-id", WHOLE, { .kind = REPORT_ENDED,
	    .ending = ENDING_WHOLE }, 0 },
	{ "http-unknown-id", WHOLE, { .kind = REPORT_ENDED,
	    .ending = ENDING_WHOLE, .id = 77 }, 0 },
	/* the first connection of all is of a relay for TLS */
	{ "http-foreign-id", WHOLE, { .kind = REPORT_ENDED,
	    .ending = ENDING_WHOLE, .id = 1 }, 0 },
	{ "http-twice", WHOLE, { .kind = REPORT_ENDED,
	    .ending = ENDING_WHOLE, .id = OWN }, 2 },
	{ "http-torn", WHOLE / 2, { .kind = REPORT_ENDED,
	    .ending = ENDING_WHOLE, .id = OWN }, 0 },
};

/* To usherd-http, about a connection whose exchange is over; the name says
 * what becomes of that: "bad" ends it, "void" is passed over. */
static const struct tale {
	const char	*name;
	size_t		 size;
	struct progress	 progress;
} tales[] = {
	{ "void-unknown-id", TOLD, { .id = 77, .backend = 1 } },
	{ "void-unknown-id-ends", TOLD, { .id = 77, .backend = 1,
	    .flags = PROGRESS_OVER } },
	{ "bad-no-id", TOLD, { .backend = 1 } },
	{ "bad-no-backend", TOLD, { .id = OTHER } },
	{ "bad-second-backend", TOLD, { .id = OTHER, .backend = 3 } },
	{ "bad-far-backend", TOLD, { .id = OTHER, .backend = UINT32_MAX } },
	{ "bad-serial", TOLD, { .id = OTHER, .backend = 1,
	    .serial = UINT32_MAX / 2 } },
	{ "bad-flag", TOLD, { .id = OTHER, .backend = 1,
	    .flags = PROGRESS_OVER << 1 } },
	{ "bad-high-flag", TOLD, { .id = OTHER, .backend = 1,
	    .flags = 1U << 31 } },
	{ "bad-up", TOLD, { .id = OTHER, .backend = 1, .up = 1 } },
	{ "bad-down", TOLD, { .id = OTHER, .backend = 1, .down = 1 } },
	{ "bad-untaken", TOLD, { .id = OTHER, .backend = 1, .untaken = 1 } },
	{ "bad-huge-up", TOLD, { .id = OTHER, .backend = 1,
	    .up = UINT64_MAX } },
	{ "bad-huge-down", TOLD, { .id = OTHER, .backend = 1, .down = HALF } },
	{ "bad-huge-untaken", TOLD, { .id = OTHER, .backend = 1,
	    .untaken = UINT64_MAX, .up = UINT64_MAX } },
	{ "bad-torn", TOLD - 1, { .id = OTHER, .backend = 1 } },
	{ "bad-torn-behind", TOLD + 1, { .id = OTHER, .backend = 1 } },
	{ "bad-one-byte", 1, { .id = OTHER } },
};

ssize_t	__real_read(int, void *, size_t);
ssize_t	__wrap_read(int, void *, size_t);

static uint32_t other;		/* the id of the connection before this */

/* The last grant that has been read about each of some. */
static struct {
	uint32_t	id;
	uint32_t	serial;
} granted[64];

ssize_t
__wrap_read(int fd, void *bytes, size_t size)
{
	const struct grant	*grants = bytes;
	ssize_t			 n;
	size_t			 i, place;

	n = __real_read(fd, bytes, size);
	if (fd != CHILD_GRANT || n <= 0)
		return n;
	for (i = 0; i < (size_t)n / sizeof(*grants); i++) {
		place = grants[i].id % (sizeof(granted) / sizeof(granted[0]));
		granted[place].id = grants[i].id;
		granted[place].serial = grants[i].serial;
	}
	return n;
}

static uint32_t
serial_of(uint32_t id)
{
	const size_t place = id % (sizeof(granted) / sizeof(granted[0]));

	return granted[place].id == id ? granted[place].serial : 0;
}

static uint32_t
id_of(uint32_t id, uint32_t own)
{
	if (id == OTHER)
		return other;
	return id == OWN ? own : id;
}

/* In one write: between two of them the first could become true. */
static void
report(const struct lie *lie, uint32_t own)
{
	static struct report	reports[MANY];
	size_t			i, n = lie->times == 0 ? 1 : lie->times;

	for (i = 0; i < n; i++) {
		reports[i] = lie->report;
		reports[i].id = id_of(lie->report.id, own);
	}
	if (write(CHILD_REPORT, reports, n * lie->size) == -1)
		_exit(1);
}

static void
tell(const struct tale *tale, uint32_t own)
{
	struct progress progress[2];

	memset(progress, 0, sizeof(progress));
	progress[0] = tale->progress;
	progress[0].id = id_of(tale->progress.id, own);
	if (progress[0].serial == 0)
		progress[0].serial = serial_of(progress[0].id);
	if (write(CHILD_PROGRESS, progress, tale->size) == -1)
		_exit(1);
}

static void
lie(uint32_t id, int client)
{
	size_t	n;
	int	unread;

	if (ioctl(client, FIONREAD, &unread) == -1 || unread < LIES)
		return;
	n = (size_t)unread;
	if (n - LIES < sizeof(lies) / sizeof(lies[0]))
		report(&lies[n - LIES], id);
	if (n >= TALES && n - TALES < sizeof(tales) / sizeof(tales[0]))
		tell(&tales[n - TALES], id);
}

void
lies_of_orders(const struct orders *orders, const int *fds)
{
	const struct order	*order;
	size_t			 i;

	for (i = 0; i < ORDER_BATCH; i++) {
		order = &orders->order[i];
		switch ((enum order_kind)order->kind) {
		case ORDER_RELAY:
			lie(order->id, fds[0]);
			other = order->id;
			fds += 2;
			break;
		case ORDER_REFUSE:
		case ORDER_NEXT:
			fds++;
			break;
		case ORDER_NONE:
		case ORDER_PING:
		case ORDER_END:
			break;
		}
	}
}
