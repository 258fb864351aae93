/* SPDX-License-Identifier: ISC */
/*
 * The eyes: the loop that both parsers share.  It takes connections from the
 * parent, peeks until the protocol has a verdict, closes its copy and says
 * the verdict.  It never takes a byte out of a connection.
 */
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../sandbox/sandbox.h"
#include "../common/agelist.h"
#include "../common/confine.h"
#include "../common/idmap.h"
#include "../common/loop.h"
#include "../common/message.h"
#include "../common/refusal.h"
#include "protocol.h"

enum {
	DEADLINE_MS = 10 * 1000, /* for a whole hello or head, not per byte */
	LOOKS_FREE = 8,		/* looks before a connection must rest */
	REST_MS = 20,		/* bounds the looks of one that drips bytes: */
	RESTS_MAX = 32,		/* it rests longer each time, up to so many */
	MESSAGES_PER_TURN = 4,
	TIMERS = 8,		/* one for each list of ages */
	SPARE_DESCRIPTORS = 16	/* ours, and a message on its way in */
};

struct client {
	struct idnode	node;		/* first: in ids */
	struct event	event;
	struct protocol_state state;
	struct age	deadline;
	struct age	rest;
	struct client  *next_free;
	int		fd;
	int		lowat;
	unsigned int	looks;
	unsigned int	rests;		/* turns of REST_MS to sit out */
	bool		granted;	/* waits for INTAKE_LOOK */
	bool		at_once;	/* its bytes waited for us, not we
					 * for them */
	bool		drained;	/* the grant was all there was, and
					 * nothing has come since */
	bool		watched;
	bool		ended;
};

static struct event_base *base;
static struct event	*flush_event;
static struct agelist	 deadlines, resting;
static struct idmap	 ids;
static struct client	*clients, *free_clients;
static size_t		 nclients, nused; /* beyond nused untouched memory */
static uint8_t		*window;
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
static void
say(const struct verdict *verdict)
{
	verdicts[nverdicts++] = *verdict;
	if (nverdicts == VERDICT_BATCH)
		flush(-1, 0, NULL);
	else if (nverdicts == 1)
		event_active(flush_event, 0, 0);
}

static void
client_unwatch(struct client *client)
{
	if (client->watched)
		(void)event_del(&client->event);	/* before the close */
	client->watched = false;
}

/*
 * A copy that is not kept is closed before the verdict leaves: it would keep
 * the connection open after everyone else has let go of it.
 */
static void
client_verdict(struct client *client, struct verdict *verdict)
{
	verdict->id = client->node.id;
	agelist_remove(&deadlines, &client->deadline);
	agelist_remove(&resting, &client->rest);
	client->granted = true;
	if (!verdict->kept) {
		client_unwatch(client);
		idmap_remove(&ids, &client->node);
		(void)close(client->fd);	/* a copy; nothing is lost */
		client->fd = -1;
		client->next_free = free_clients;
		free_clients = client;
	}
	say(verdict);
}

static void
client_refuse(struct client *client, enum refusal refusal)
{
	struct verdict verdict;

	memset(&verdict, 0, sizeof(verdict));
	verdict.code = VERDICT_REFUSED;
	verdict.refusal = (uint8_t)refusal;
	client_verdict(client, &verdict);
}

static void
client_gone(struct client *client)
{
	struct verdict verdict;

	memset(&verdict, 0, sizeof(verdict));
	verdict.code = VERDICT_GONE;
	client_verdict(client, &verdict);
}

/*
 * Readiness is asked for from the number of bytes on that could make a
 * difference: looking again at each segment would be quadratic.
 */
static void
client_wait(struct client *client, size_t wanted)
{
	int lowat = wanted > protocol_window ? (int)protocol_window :
	    (int)wanted;

	if (lowat != client->lowat) {
		if (setsockopt(client->fd, SOL_SOCKET, SO_RCVLOWAT, &lowat,
		    sizeof(lowat)) == -1) {
			client_gone(client);
			return;
		}
		client->lowat = lowat;
	}
	if (client->looks > LOOKS_FREE) {
		client_unwatch(client);
		client->rests = client->looks - LOOKS_FREE;
		if (client->rests > RESTS_MAX)
			client->rests = RESTS_MAX;
		agelist_touch(&resting, &client->rest);
		return;
	}
	if (client->watched)
		return;
	if (event_add(&client->event, NULL) == -1)
		client_refuse(client, REFUSAL_OVERLOAD);
	else
		client->watched = true;
}

static void
client_look(struct client *client)
{
	struct verdict	verdict;
	size_t		missing = 1;
	ssize_t		n;
	enum look	look;

	client->looks++;
	do {
		n = recv(client->fd, window, protocol_window,
		    MSG_PEEK | MSG_DONTWAIT);
	} while (n == -1 && errno == EINTR);
	if (n == -1 && errno == EAGAIN && !client->ended) {
		client->at_once = false;
		client_wait(client, 1);
		return;
	}
	if (n <= 0) {
		client_gone(client);
		return;
	}
	memset(&verdict, 0, sizeof(verdict));
	look = protocol_look(&client->state, window, (size_t)n, &verdict,
	    &missing);
	/* The next client's parser must find nothing of this one. */
	explicit_bzero(window, (size_t)n);
	if (look == LOOK_VERDICT) {
		verdict.pipelined = client->at_once;
		/* While a body passes, its segments must not wake us. */
		if (verdict.grant > (uint64_t)n)
			client_unwatch(client);
		client->drained = client->watched && !client->ended &&
		    verdict.grant == (uint64_t)n;
		client_verdict(client, &verdict);
		return;
	}
	if (client->ended) {
		client_refuse(client, REFUSAL_TRUNCATED);
		return;
	}
	/* Between requests a client may be silent for as long as the relay
	 * lets it; once it has begun one, it must get on with it. */
	if (!client->state.partial && !client->deadline.listed)
		agelist_touch(&deadlines, &client->deadline);
	/* Where one byte more may do, any event may bring it. */
	client_wait(client, missing == 1 ? 1 : (size_t)n + missing);
}

static void
client_ready(evutil_socket_t fd, short what, void *arg)
{
	struct client *client = arg;

	(void)fd;
	if ((what & EV_CLOSED) != 0)
		client->ended = true;
	client->drained = false;
	if (!client->granted)
		client_look(client);
}

static void
client_late(struct age *age)
{
	struct client *client;

	client = (void *)((char *)age - offsetof(struct client, deadline));
	client_refuse(client, REFUSAL_TIMEOUT);
}

/* Each rest is longer than the last: the deadline bounds their number. */
static void
client_rested(struct age *age)
{
	struct client *client;

	client = (void *)((char *)age - offsetof(struct client, rest));
	if (--client->rests > 0) {
		agelist_touch(&resting, &client->rest);
		return;
	}
	client_look(client);
}

static void
client_begin(int fd, uint32_t id)
{
	struct client *client = free_clients;

	if (client != NULL)
		free_clients = client->next_free;
	else if (nused < nclients)
		client = &clients[nused++];
	else
		_exit(1);	/* more connections than agreed */
	client->fd = fd;
	client->lowat = 1;
	client->looks = 0;
	memset(&client->state, 0, sizeof(client->state));
	idmap_add(&ids, &client->node, id);
	client->granted = client->drained = client->at_once = false;
	client->ended = false;
	client->watched = false;
	/* Edge-triggered: level-triggered would spin on unread bytes. */
	if (event_assign(&client->event, base, fd,
	    EV_READ | EV_CLOSED | EV_ET | EV_PERSIST, client_ready,
	    client) == -1)
		_exit(1);	/* only for what is no event */
	agelist_touch(&deadlines, &client->deadline);
	client_look(client);
}

static void
pong(void)
{
	struct verdict verdict;

	memset(&verdict, 0, sizeof(verdict));
	verdict.code = VERDICT_PONG;
	say(&verdict);
}

/* The parent's word on a connection that was kept. */
static void
client_word(uint32_t id, enum intake_kind kind)
{
	struct client *client = (void *)idmap_find(&ids, id);

	if (client == NULL)
		return;		/* it left while the word was on its way */
	if (kind == INTAKE_DROP) {
		client_gone(client);
		return;
	}
	if (!client->granted)
		_exit(1);	/* the parent does not say such things */
	client->looks = 0;
	client->granted = false;
	client->at_once = !client->drained;
	/* Nothing to see before the next event. */
	if (!client->drained)
		client_look(client);
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
		return id != 0 && idmap_find(&ids, id) == NULL;
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
tables_make(unsigned long descriptors)
{
	if (descriptors <= SPARE_DESCRIPTORS)
		errx(1, "-n: too few");
	nclients = descriptors - SPARE_DESCRIPTORS;
	clients = calloc(nclients, sizeof(*clients));
	window = calloc(1, protocol_window);
	if (clients == NULL || window == NULL)
		errx(1, "out of memory");
	idmap_make(&ids, nclients);
}

static void
loop_make(void)
{
	struct event *control;

	base = loop_new(NULL, TIMERS);
	if (base == NULL)
		errx(1, "event base");
	agelist_init(&deadlines, base, DEADLINE_MS, client_late);
	agelist_init(&resting, base, REST_MS, client_rested);
	flush_event = event_new(base, -1, 0, flush, NULL);
	control = event_new(base, CHILD_CONTROL, EV_READ | EV_PERSIST, intake,
	    NULL);
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
	tables_make(confinement.descriptors);
	loop_make();
	sandbox_enter_parser();
	confine_silence();
	memset(&ready, 0, sizeof(ready));
	ready.code = VERDICT_READY;
	say(&ready);
	return event_base_dispatch(base) == 0 ? 0 : 1;
}
