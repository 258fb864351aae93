/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "../accept/usher_accept.h"
#include "handoff.h"
#include "../common/tcp_options.h"

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
