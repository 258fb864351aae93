/* SPDX-License-Identifier: ISC */
/*
 * The eyes: the loop that both parsers share.  It takes connections from the
 * front and says what client.c finds out about them.
 */
#include <err.h>
#include <event2/event.h>
#include <stdbool.h>
#include <unistd.h>

#include "../../sandbox/sandbox.h"
#include "../child/confine.h"
#include "../child/loop.h"
#include "../child/message_take.h"
#include "client.h"
#include "protocol.h"
#include "say.h"

enum {
	MESSAGES_PER_TURN = 4,
	TIMERS = 8,		/* the lists of ages, and the turns */
	SPARE_DESCRIPTORS = 16	/* ours, and a message on its way in */
};

/* Which id may stand beside which word? */
static bool
item_allowed(uint32_t kind, uint32_t id)
{
	switch ((enum intake_kind)kind) {
	case INTAKE_NONE:
	case INTAKE_PING:
		return id == 0;
	case INTAKE_SHOW:
		return id != 0 && !client_known(id);
	case INTAKE_LOOK:
	case INTAKE_DROP:
		return id != 0;
	}
	return false;
}

/* Does what a message says, with its n descriptors. */
static void
intake_take(const struct intake *message, const int *fds, size_t n)
{
	size_t i, used = 0;

	for (i = 0; i < INTAKE_BATCH; i++) {
		if (!item_allowed(message->item[i].kind, message->item[i].id))
			_exit(1);	/* a broken message */
		switch ((enum intake_kind)message->item[i].kind) {
		case INTAKE_NONE:
			break;
		case INTAKE_SHOW:
			if (used == n)
				_exit(1);	/* a broken message */
			client_begin(fds[used++], message->item[i].id);
			break;
		case INTAKE_LOOK:
		case INTAKE_DROP:
			client_word(message->item[i].id,
			    (enum intake_kind)message->item[i].kind);
			break;
		case INTAKE_PING:
			say_own(VERDICT_PONG);
			break;
		}
	}
	if (used != n)
		_exit(1);
}

static void
intake(evutil_socket_t fd, short what, void *arg)
{
	struct intake	message;
	int		fds[INTAKE_BATCH], turn;
	size_t		n;

	(void)what;
	(void)arg;
	for (turn = 0; turn < MESSAGES_PER_TURN; turn++) {
		switch (message_take(fd, &message, sizeof(message), fds,
		    INTAKE_BATCH, &n)) {
		case MESSAGE_TAKEN:
			intake_take(&message, fds, n);
			break;
		case MESSAGE_NONE:
			return;
		case MESSAGE_CLOSED:
			_exit(0);	/* nobody would hear a verdict */
		case MESSAGE_BROKEN:
			_exit(1);
		}
	}
}

static struct event_base *
loop_make(unsigned long descriptors)
{
	struct event_base	*loop;
	struct event		*control;

	if (descriptors <= SPARE_DESCRIPTORS)
		errx(1, "-n: too few");
	loop = loop_new(NULL, TIMERS);
	if (loop == NULL)
		errx(1, "event base");
	clients_make(loop, descriptors - SPARE_DESCRIPTORS);
	control = event_new(loop, CHILD_CONTROL, EV_READ | EV_PERSIST,
	    intake, NULL);
	if (control == NULL || event_add(control, NULL) == -1)
		errx(1, "event");
	return loop;
}

int
main(int argc, char *argv[])
{
	struct confinement	 confinement;
	struct event_base	*loop;

	confine_options(&confinement, argc, argv);
	if (protocol_engine(confinement.engine) == -1)
		errx(1, "%s: no such engine", confinement.engine);
	confine(&confinement);
	loop = loop_make(confinement.descriptors);
	sandbox_enter_parser();
	confine_silence();
	say_own(VERDICT_READY);
	return event_base_dispatch(loop) == 0 ? 0 : 1;
}
