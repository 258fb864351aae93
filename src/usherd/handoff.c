/* SPDX-License-Identifier: ISC */
#include <sys/time.h>

#include <err.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "../accept/usher_accept.h"
#include "handoff.h"
#include "tcp_options.h"

enum { BRIEFLY_US = 1000 };

_Static_assert(sizeof(struct usher_handoff) == 8, "a hand-off has one size");

int
handoff_send(int stream, enum protocol protocol, int client,
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

static void
on_alarm(int number)
{
	(void)number;		/* it has interrupted close(2) */
}

void
handoff_make(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = on_alarm;	/* and no SA_RESTART */
	if (sigaction(SIGALRM, &action, NULL) == -1)
		err(1, "SIGALRM");
}

/*
 * The tenant may be done with it already.  Then this is the last close, and if
 * he has set SO_LINGER and left data unsent, it waits for as long as he chose,
 * unless there is a signal.
 */
void
handoff_close(int client)
{
	static const struct itimerval	never;
	static const struct itimerval	soon = {
		.it_interval = { .tv_usec = BRIEFLY_US },
		.it_value = { .tv_usec = BRIEFLY_US }
	};

	(void)setitimer(ITIMER_REAL, &soon, NULL);
	(void)close(client);	/* nothing was written to it */
	(void)setitimer(ITIMER_REAL, &never, NULL);
}
