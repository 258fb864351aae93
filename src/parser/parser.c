/* SPDX-License-Identifier: ISC */
/*
 * The eyes: the loop that both parsers share.  It takes connections from the
 * front, with what is to be done about them.
 */
#include <err.h>
#include <event2/event.h>
#include <stdbool.h>
#include <unistd.h>

#include "../../sandbox/sandbox.h"
#include "../child/confine.h"
#include "../child/loop.h"
#include "../child/message_take.h"
#include "../common/shares.h"
#include "protocol.h"
#include "say.h"

enum {
	MESSAGES_PER_TURN = 4,
	TIMERS = 12		/* the lists of ages, and the turns */
};

static struct event *control;

/* Which id may stand beside which word? */
static bool
item_allowed(uint32_t kind, uint32_t id)
{
	switch ((enum intake_kind)kind) {
	case INTAKE_NONE:
	case INTAKE_PING:
		return id == 0;
	case INTAKE_SHOW:
		return id != 0 && !protocol_knows(id);
	case INTAKE_BACKEND:
		return id != 0 && protocol_spoken == PROTOCOL_HTTP;
	case INTAKE_DROP:
		return id != 0;
	case INTAKE_DRAIN:
		return id == 0 && protocol_spoken == PROTOCOL_HTTP;
	}
	return false;
}

/* Does what an item says.  It comes with a descriptor, or -1. */
static void
item_take(enum intake_kind kind, uint32_t id, int fd)
{
	switch (kind) {
	case INTAKE_NONE:
		break;
	case INTAKE_SHOW:
		protocol_show(id, fd);
		break;
	case INTAKE_BACKEND:
		protocol_attach(id, fd);
		break;
	case INTAKE_DROP:
		protocol_drop(id);
		break;
	case INTAKE_DRAIN:
		protocol_drain();
		break;
	case INTAKE_PING:
		say_own(VERDICT_PONG);
		break;
	}
}

/*
 * A message with its n descriptors; a broken one ends us.  Gives whether it was
 * full, so that another may stand behind it.
 */
static bool
intake_take(const struct intake *message, const int *fds, size_t n)
{
	size_t		i, used = 0;
	uint32_t	kind;
	int		fd;

	for (i = 0; i < INTAKE_BATCH; i++) {
		kind = message->item[i].kind;
		if (!item_allowed(kind, message->item[i].id))
			_exit(1);
		fd = -1;
		if (kind == INTAKE_SHOW || kind == INTAKE_BACKEND) {
			if (used == n)
				_exit(1);
			fd = fds[used++];
		}
		item_take((enum intake_kind)kind, message->item[i].id, fd);
	}
	if (used != n)
		_exit(1);
	return message->item[INTAKE_BATCH - 1].kind != INTAKE_NONE;
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
			if (!intake_take(&message, fds, n))
				return;
			break;
		case MESSAGE_NONE:
			return;
		case MESSAGE_CLOSED:
			(void)event_del(control);	/* was added */
			protocol_orphaned();
			return;
		case MESSAGE_BROKEN:
			_exit(1);
		}
	}
}

static struct event_base *
loop_make(unsigned long descriptors)
{
	struct event_base *loop;

	if (descriptors <= CHILD_SPARE)
		errx(1, "-n: too few");
	loop = loop_new(NULL, TIMERS);
	if (loop == NULL)
		errx(1, "event base");
	protocol_make(loop, (descriptors - CHILD_SPARE) /
	    protocol_descriptors);
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
	if (confinement.pair != protocol_pair)
		errx(1, "-g: for one of a pair, which usherd-http is");
	confine(&confinement);
	loop = loop_make(confinement.descriptors);
	confine_fill();
	sandbox_enter_parser();
	confine_silence();
	say_own(VERDICT_READY);
	return event_base_dispatch(loop) == 0 ? 0 : 1;
}
