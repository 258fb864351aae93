/* SPDX-License-Identifier: ISC */
/*
 * A relay that tells its front lies, for tests only.  Linked with the objects
 * of usherd-relay and -Wl,--wrap=pair_relay.
 *
 * It sees no names and no bytes, but may ask how many bytes of a client it
 * has not taken in yet: a first flight of LIES bytes brings the first lie of
 * the table, one of LIES + 1 bytes the second.
 */
#include <sys/ioctl.h>

#include <unistd.h>

#include "../../src/relay/pair.h"

enum {
	LIES = 7000,		/* tests/e2e/test_sandbox.py knows it, too */
	OWN = 0xffffffff	/* stands for the connection's id */
};

void	__real_pair_relay(const struct order *, int, int);
void	__wrap_pair_relay(const struct order *, int, int);

static const struct lie {
	const char	*name;
	struct report	 reports[2];
} lies[] = {
	{ "tls-kind", { { 99, 0 } } },
	{ "tls-ready", { { REPORT_READY, 0 } } },
	{ "tls-pong", { { REPORT_PONG, 0 } } },
	{ "tls-ended-none", { { REPORT_ENDED, 0 } } },
	{ "tls-ended-many", { { REPORT_ENDED, 1000 } } },
	{ "tls-moved", { { REPORT_MOVED, 77 } } },
	{ "tls-lonely", { { REPORT_LONELY, 77 } } },
	{ "tls-left", { { REPORT_LEFT, 77 } } },
	{ "http-pong", { { REPORT_PONG, 0 } } },
	{ "http-no-id", { { REPORT_LEFT, 0 } } },
	{ "http-unknown-id", { { REPORT_MOVED, 77 } } },
	{ "http-lonely-first", { { REPORT_LONELY, OWN } } },
	{ "http-moved-twice", { { REPORT_MOVED, OWN }, { REPORT_MOVED, OWN } } },
	{ "http-left-twice", { { REPORT_LEFT, OWN }, { REPORT_LEFT, OWN } } },
};

/* In one write: between two of them the first could become true. */
static void
tell(const struct lie *lie, uint32_t id)
{
	struct report	reports[2];
	size_t		n;

	for (n = 0; n < 2 && lie->reports[n].kind != 0; n++) {
		reports[n] = lie->reports[n];
		if (reports[n].value == OWN)
			reports[n].value = id;
	}
	if (write(CHILD_REPORT, reports, n * sizeof(reports[0])) == -1)
		_exit(1);
}

void
__wrap_pair_relay(const struct order *order, int client, int backend)
{
	int unread;

	if (ioctl(client, FIONREAD, &unread) == 0 && unread >= LIES &&
	    (size_t)(unread - LIES) < sizeof(lies) / sizeof(lies[0]))
		tell(&lies[unread - LIES], order->id);
	__real_pair_relay(order, client, backend);
}
