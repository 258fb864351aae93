/* SPDX-License-Identifier: ISC */
#include <sys/time.h>

#include <err.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "../accept/usher_accept.h"
#include "../common/message_send.h"
#include "../common/tcp_options.h"
#include "handoff.h"
#include "inflight.h"

enum { ALARM_US = 5000 };

_Static_assert(sizeof(struct usher_handoff) == 8, "a hand-off has one size");

static void
on_alarm(int number)
{
	(void)number;		/* it has interrupted close(2) */
}

static void
alarm_set(suseconds_t interval)
{
	const struct itimerval timer = {
		.it_interval = { .tv_usec = interval },
		.it_value = { .tv_usec = interval }
	};

	(void)setitimer(ITIMER_REAL, &timer, NULL);	/* valid */
}

/*
 * A tenant may be done with a client's socket before we have closed our copy.
 * Then ours is the last close, and if he has set SO_LINGER (socket(7)) and left
 * data unsent, it waits for as long as he chose, unless there is a signal.
 */
static void
client_close(int client)
{
	alarm_set(ALARM_US);
	(void)close(client);	/* the tenant has it */
	alarm_set(0);
}

static void
alarm_make(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = on_alarm;
	action.sa_flags = SA_RESTART;	/* close(2) is not restarted */
	if (sigaction(SIGALRM, &action, NULL) == -1)
		err(1, "SIGALRM");
}

static int
client_send(int stream, enum protocol protocol, int client,
    unsigned int changed)
{
	struct usher_handoff message;

	memset(&message, 0, sizeof(message));
	memcpy(message.magic, USHER_HANDOFF_MAGIC, sizeof(message.magic));
	message.version = USHER_HANDOFF_VERSION;
	message.protocol = protocol == PROTOCOL_TLS ? 't' : 'h';
	/* Before it is sent: then it is the tenant's, with its flags. */
	if (tcp_options_theirs(client, changed) == 0 &&
	    message_send(stream, &message, sizeof(message), &client, 1) == 0)
		return 0;
	/* When this fails, too, the next one to use it will say so. */
	(void)tcp_options_ours(client, changed);
	return -1;
}

bool
handoff_room(const struct tenant *tenant)
{
	return inflight_room(tenant);
}

enum refusal
handoff_pass(const struct tenant *tenant, int stream, enum protocol protocol,
    int client, unsigned int changed)
{
	/* The last look: a thread that connected could not know. */
	if (!handoff_room(tenant) ||
	    client_send(stream, protocol, client, changed) == -1) {
		(void)close(stream);	/* nothing was said on it */
		return REFUSAL_UNPICKED;
	}
	client_close(client);
	inflight_add(tenant, stream);
	return REFUSAL_NONE;
}

unsigned int
handoff_inflight(void)
{
	return inflight_now();
}

void
handoff_make(struct event_base *base, unsigned int max)
{
	alarm_make();
	inflight_make(base, max);
}
