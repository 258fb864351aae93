/* SPDX-License-Identifier: ISC */
/*
 * The table of connections in this relay's hands: how one begins, and how it
 * ends without losing what its client was to be told.
 */
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../child/confine.h"
#include "answer.h"
#include "pair.h"
#include "relay.h"
#include "run.h"

enum {
	IDLE_MS = 60 * 60 * 1000,
	BETWEEN_MS = 60 * 1000,	/* after a response, before a request */
	QUIET_MS = 40,		/* silence that is taken for a response's end
				 * where nothing else tells */
	LULL_MS = 2 * 1000,	/* the same where nobody waits for it */
	SWITCH_MS = 10 * 1000,	/* for a response that is to be the last of
				 * its backend, without a byte of it */
	GOODBYE_MS = 2 * 1000,	/* for the client to read what it was told */
	DISCARDS_PER_TURN = 32
};

_Static_assert(sizeof(struct pair) <= 3 * MEMORY_PER_DESCRIPTOR,
    "the limit has room for the table: a pair has six");

static struct timeouts	 idle, between, quiet, lull, switching, goodbye;
static struct pair	*pairs, *free_pairs;
static size_t		 npairs, nused;	/* beyond nused untouched memory */
static struct idmap	 ids;
static size_t		 live;
static bool		 draining;

void
side_close(struct side *side)
{
	if (side->fd == -1)
		return;
	/* Before the close, or stale events arrive for a reused number. */
	if (side->watched != 0)
		(void)event_del(&side->event);
	(void)close(side->fd);	/* what was to be sent is in the kernel */
	side->fd = -1;
}

void
pair_grant(struct pair *pair, const struct order *order)
{
	/* Of a request that goes on, the response may have begun early. */
	if (!pair->partial)
		pair->answered = false;
	pair->grant = order->grant;
	pair->partial = order->partial == 1;
	pair->told = false;
}

static void
timeout_move(struct pair *pair, struct timeouts *list)
{
	if (pair->listed != NULL && pair->listed != list)
		timeouts_remove(pair->listed, &pair->age);
	pair->listed = list;
	if (list != NULL)
		timeouts_touch(list, &pair->age);
}

void
pair_touch(struct pair *pair)
{
	if (pair->patient)
		timeout_move(pair, !pair->answered ? &idle :
		    draining ? &lull : &quiet);
	else if (pair->next == NEXT_BACKEND || pair->next == NEXT_REFUSE)
		timeout_move(pair, &switching);
	else if (pair->node.id != 0 && pair->told && !pair->partial)
		timeout_move(pair, &between);
	else
		timeout_move(pair, &idle);
}

struct pair *
pair_find(uint32_t id)
{
	return (void *)idmap_find(&ids, id);
}

void
pair_forget_id(struct pair *pair)
{
	if (pair->node.id == 0)
		return;
	idmap_remove(&ids, &pair->node);
	pair->node.id = 0;
	report_forget(&pair->unsaid);
}

static void
pair_leave(struct pair *pair)
{
	if (pair->node.id == 0)
		return;
	report(&pair->unsaid, REPORT_LEFT, pair->node.id);
	idmap_remove(&ids, &pair->node);
	pair->node.id = 0;
}

static void
pair_free(struct pair *pair)
{
	pair->next_free = free_pairs;
	free_pairs = pair;
}

/* The front has heard all about one that has ended. */
static void
pair_said(struct unsaid *unsaid)
{
	pair_free((void *)((char *)unsaid - offsetof(struct pair, unsaid)));
}

void
pair_end(struct pair *pair)
{
	pair_leave(pair);
	timeout_move(pair, NULL);
	pair_run_never(pair);
	side_close(&pair->client);
	side_close(&pair->backend);
	if (pair->next_backend != -1)
		(void)close(pair->next_backend);	/* nothing was sent */
	mover_drop(&pair->up.load);
	mover_drop(&pair->down.load);
	if (--live == 0)
		mover_trim();
	if (report_ended(&pair->unsaid))
		pair_free(pair);
}

/*
 * The client has been told all that there is; what it still sends is thrown
 * away unseen, because a close with bytes unread would reset the connection
 * and lose the answer on its way.
 */
static void
discard(struct pair *pair)
{
	ssize_t	n;
	int	turn;

	for (turn = 0; turn < DISCARDS_PER_TURN; turn++) {
		n = recv(pair->client.fd, NULL, 1024 * 1024,
		    MSG_TRUNC | MSG_DONTWAIT);
		if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;	/* nothing more now; the timer ends it */
		if (n <= 0) {
			pair_end(pair);
			return;
		}
	}
	pair_run_later(pair, 0);
}

void
pair_goodbye(struct pair *pair)
{
	if (pair->state != PAIR_GOODBYE) {
		pair_leave(pair);
		pair->state = PAIR_GOODBYE;
		pair_run_never(pair);
		side_close(&pair->backend);
		mover_drop(&pair->up.load);
		timeout_move(pair, &goodbye);
		side_want(pair, &pair->client, EV_READ);
		if (shutdown(pair->client.fd, SHUT_WR) == -1) {
			pair_end(pair);
			return;
		}
	}
	discard(pair);
}

static void
client_ready(evutil_socket_t fd, short what, void *arg)
{
	struct pair *pair = arg;

	if (pair->state == PAIR_GOODBYE) {
		discard(pair);
		return;
	}
	pair->client.readable |= (what & EV_READ) != 0;
	pair->client.writable |= (what & EV_WRITE) != 0;
	if ((what & EV_CLOSED) != 0)
		pair->client_ended = true;
	/* An urgent byte cannot be moved, and nothing behind it. */
	if ((what & EV_READ) != 0 && pair->grant > 0 &&
	    sockatmark(fd) == 1)
		pair_end(pair);
	else
		pair_run(pair);
}

static void
backend_ready(evutil_socket_t fd, short what, void *arg)
{
	struct pair *pair = arg;

	(void)fd;
	pair->backend.readable |= (what & EV_READ) != 0;
	pair->backend.writable |= (what & EV_WRITE) != 0;
	pair_run(pair);
}

static void
pair_late(struct timeout *age)
{
	struct pair *pair;

	pair = (void *)((char *)age - offsetof(struct pair, age));
	pair->listed = NULL;
	pair_end(pair);
}

static void
side_begin(struct side *side, int fd, event_callback_fn ready)
{
	side->fd = fd;
	side->ready = ready;
	side->watched = 0;
	side->readable = side->writable = true;
}

/*
 * Edge-triggered, so that a side that has ended cannot spin; and only what
 * was once found wanting, because every segment that a tenant reads makes
 * its socket writable anew, and every wake-up for nothing costs.
 */
void
side_want(struct pair *pair, struct side *side, short what)
{
	if ((what & ~side->watched) == 0)
		return;
	if (side->watched != 0)
		(void)event_del(&side->event);
	side->watched |= what;
	if (event_assign(&side->event, relay_base, side->fd,
	    (short)(side->watched | EV_ET | EV_PERSIST), side->ready,
	    pair) == 0 && event_add(&side->event, NULL) == 0)
		return;
	side->watched = 0;
	pair->broken = true;
	pair_run_later(pair, 0);
}

/*
 * A pipelined request is for another host, and its response must not run into
 * the one before it.  Many servers take a half-closed client for one that is
 * gone and drop the response they are at, so it has to have fallen silent.
 */
static void
pair_quiet(struct timeout *age)
{
	struct pair *pair;

	pair = (void *)((char *)age - offsetof(struct pair, age));
	pair->listed = NULL;
	/* Nor may more of it wait for the client to read, or of the request
	 * be on its way: then it is looked at again when that has moved. */
	if (pair->down.load.held > 0 || pair->grant > 0) {
		timeout_move(pair, &idle);
		return;
	}
	if (pair->client.writable) {
		pair->patient = false;
		pair->up.ended = true;
	}
	pair_touch(pair);
	pair_run(pair);
}

static struct pair *
pair_new(int client)
{
	struct pair *pair = free_pairs;

	if (pair != NULL)
		free_pairs = pair->next_free;
	else if (nused < npairs)
		pair = &pairs[nused++];
	else
		_exit(1);	/* more connections than agreed */
	live++;
	memset(pair, 0, sizeof(*pair));
	mover_empty(&pair->up.load);
	mover_empty(&pair->down.load);
	pair->next_backend = pair->backend.fd = -1;
	side_begin(&pair->client, client, client_ready);
	return pair;
}

void
pair_attach(struct pair *pair, int backend)
{
	side_close(&pair->backend);
	mover_drop(&pair->up.load);
	pair->up.ended = pair->up.shut = false;
	pair->down.ended = pair->down.shut = false;
	pair->patient = pair->partial = false;
	pair->state = PAIR_MOVING;
	side_begin(&pair->backend, backend, backend_ready);
	/* It has nothing to say yet; if it has, this will tell. */
	pair->backend.readable = false;
	side_want(pair, &pair->backend, EV_READ);
}

void
pair_relay(const struct order *order, int client, int backend)
{
	struct pair *pair;

	pair = pair_new(client);
	if (order->id != 0)
		idmap_add(&ids, &pair->node, order->id);
	pair_attach(pair, backend);
	pair_grant(pair, order);
	pair_touch(pair);
	pair_run(pair);
}

/*
 * As if the front had said that nothing more comes.  A request of which the
 * rest would need another grant cannot be answered.
 */
static void
pair_drain(struct pair *pair)
{
	pair_forget_id(pair);
	if (pair->state == PAIR_LONELY) {
		pair_goodbye(pair);
		return;
	}
	if (pair->next == NEXT_NONE) {
		pair->next = NEXT_CLOSE;
		pair->patient = !pair->partial;
	}
	pair_touch(pair);
	pair_run(pair);
}

void
pairs_drain(void)
{
	size_t i;

	draining = true;
	report_mute();
	for (i = 0; i < nused; i++) {
		if (pairs[i].client.fd != -1 && pairs[i].node.id != 0)
			pair_drain(&pairs[i]);
	}
}

size_t
pairs_live(void)
{
	return live;
}

void
pair_switch(struct pair *pair)
{
	pair->next = NEXT_NONE;
	pair_attach(pair, pair->next_backend);
	pair->next_backend = -1;
	pair_grant(pair, &pair->next_order);
	if (draining && pair->next_order.last == 0) {
		pair->next = NEXT_CLOSE;
		pair->patient = !pair->partial;
	}
	pair_run_later(pair, 0);
}

void
pair_answer(struct pair *pair, unsigned int refusal)
{
	const void	*answer;
	size_t		 size;

	answer = answer_find(relay_protocol, refusal, &size);
	if (answer == NULL)
		_exit(1);	/* the front does not say such things */
	/* Some hundred bytes: all of them, or the client is not reading. */
	if (send(pair->client.fd, answer, size, MSG_NOSIGNAL |
	    MSG_DONTWAIT) != (ssize_t)size)
		pair_end(pair);
	else
		pair_goodbye(pair);
}

void
pair_refuse(int client, unsigned int refusal)
{
	pair_answer(pair_new(client), refusal);
}

void
pair_table(size_t n, void (*gone)(void))
{
	pairs = calloc(n, sizeof(*pairs));
	if (pairs == NULL)
		errx(1, "out of memory");
	npairs = n;
	report_make(relay_base, pair_said, gone);
	idmap_make(&ids, n);
	timeouts_init(&idle, relay_base, IDLE_MS, pair_late);
	timeouts_init(&between, relay_base, BETWEEN_MS, pair_late);
	timeouts_init(&quiet, relay_base, QUIET_MS, pair_quiet);
	timeouts_init(&lull, relay_base, LULL_MS, pair_quiet);
	timeouts_init(&switching, relay_base, SWITCH_MS, pair_late);
	timeouts_init(&goodbye, relay_base, GOODBYE_MS, pair_late);
	run_make();
}
