/* SPDX-License-Identifier: ISC */
/*
 * The eyes: the loop that both parsers share.  It takes connections from the
 * parent and says what client.c finds out about them.
 */
#include <err.h>
#include <event2/event.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "../../sandbox/sandbox.h"
#include "../child/confine.h"
#include "../child/loop.h"
#include "../child/message_take.h"
#include "client.h"
#include "protocol.h"

enum {
	MESSAGES_PER_TURN = 4,
	TIMERS = 8,		/* the lists of ages, and the turns */
	SPARE_DESCRIPTORS = 16	/* ours, and a message on its way in */
};

struct event_base	*parser_base;

static struct event	*flush_event;
static struct verdict	 verdicts[VERDICT_BATCH];
static size_t		 nverdicts;

static void
flush(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	if (nverdicts == 0)
		return;
	if (message_report(CHILD_REPORT, verdicts,
	    nverdicts * sizeof(verdicts[0])) == -1)
		_exit(0);	/* the parent is gone */
	nverdicts = 0;
}

/*
 * Verdicts of one turn of the loop go out together: an event made active now
 * has its turn behind all that are active already.
 */
void
parser_say(const struct verdict *verdict)
{
	verdicts[nverdicts++] = *verdict;
	if (nverdicts == VERDICT_BATCH)
		flush(-1, 0, NULL);
	else if (nverdicts == 1)
		event_active(flush_event, 0, 0);
}

static void
pong(void)
{
	struct verdict verdict;

	memset(&verdict, 0, sizeof(verdict));
	verdict.code = VERDICT_PONG;
	parser_say(&verdict);
}

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
			pong();
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
			_exit(0);
		case MESSAGE_BROKEN:
			_exit(1);
		}
	}
}

static void
loop_make(unsigned long descriptors)
{
	struct event *control;

	if (descriptors <= SPARE_DESCRIPTORS)
		errx(1, "-n: too few");
	parser_base = loop_new(NULL, TIMERS);
	if (parser_base == NULL)
		errx(1, "event base");
	clients_make(descriptors - SPARE_DESCRIPTORS);
	flush_event = event_new(parser_base, -1, 0, flush, NULL);
	control = event_new(parser_base, CHILD_CONTROL, EV_READ | EV_PERSIST,
	    intake, NULL);
	if (flush_event == NULL || control == NULL ||
	    event_add(control, NULL) == -1)
		errx(1, "event");
}

int
main(int argc, char *argv[])
{
	struct confinement	confinement;
	struct verdict		ready;

	confine_options(&confinement, argc, argv);
	if (protocol_engine(confinement.engine) == -1)
		errx(1, "%s: no such engine", confinement.engine);
	confine(&confinement);
	loop_make(confinement.descriptors);
	sandbox_enter_parser();
	confine_silence();
	memset(&ready, 0, sizeof(ready));
	ready.code = VERDICT_READY;
	parser_say(&ready);
	return event_base_dispatch(parser_base) == 0 ? 0 : 1;
}
