/* SPDX-License-Identifier: ISC */
/*
 * The actions of pair_states.h, in its order, and the walk through its table.
 */
#include <sys/socket.h>

#include <stddef.h>
#include <unistd.h>

#include "answer.h"
#include "granted.h"
#include "pair_machine.h"

enum { GOODBYE_ALL_MS = 30 * 1000 };

typedef enum pair_event action_fn(struct pair *, struct pair_word *);

static enum pair_event
nothing(struct pair *pair, struct pair_word *word)
{
	(void)word;
	turn_queue(&pair->turn);
	return ON_NOTHING;
}

static enum pair_event
attach(struct pair *pair, struct pair_word *word)
{
	pair_attach(pair, word->backend);
	word->backend = -1;
	return ON_NOTHING;
}

static enum pair_event
open_both(struct pair *pair, struct pair_word *word)
{
	pair->up.left = pair->down.left = GRANT_UNLIMITED;
	return nothing(pair, word);
}

static enum pair_event
attach_all(struct pair *pair, struct pair_word *word)
{
	(void)attach(pair, word);
	/* It has nothing to say yet; if it has, that will tell. */
	pair->backend.readable = false;
	if (side_want(&pair->backend, EV_READ | EV_CLOSED) == -1)
		return ON_EXHAUSTED;
	return open_both(pair, word);
}

static bool
held(const struct pair *pair)
{
	return pair->up.load.held > 0 || pair->down.load.held > 0;
}

static enum pair_event
change(struct pair *pair, struct pair_word *word)
{
	return held(pair) ? ON_HELD : attach(pair, word);
}

/* Not into the midst of what a tenant says. */
static enum pair_event
answer(struct pair *pair, struct pair_word *word)
{
	const void	*bytes;
	size_t		 size;

	if (!flow_done(&pair->down))
		return ON_HELD;
	bytes = answer_find(relay_protocol, word->order->refusal,
	    word->order->head == 1, &size);
	if (bytes == NULL)
		return ON_FAILED;
	/* Some hundred bytes: all of them, or the client is not reading. */
	return send(pair->client.fd, bytes, size, MSG_NOSIGNAL |
	    MSG_DONTWAIT) == (ssize_t)size ? ON_ANSWERED : ON_FAILED;
}

/*
 * Is the response open behind what is granted of it?  usherd-http says so with
 * each grant until it is over.
 */
static void
note_open(struct pair *pair, const struct grant *grant)
{
	if ((grant->flags & GRANT_OPEN) != 0)
		pair->open = true;
	else if (grant->down > 0 || (grant->flags & GRANT_HURRY) != 0)
		pair->open = false;
}

/* That both sums are legal was looked at before: word.c. */
static enum pair_event
add(struct pair *pair, struct pair_word *word)
{
	const struct grant *grant = word->grant;

	(void)granted_add(&pair->up.left, grant->up);
	(void)granted_add(&pair->down.left, grant->down);
	/* The parser has seen bytes. */
	pair->client.readable |= grant->up > 0;
	pair->backend.readable |= grant->down > 0;
	pair->tell |= grant->flags & (GRANT_TELL_UP | GRANT_TELL_DOWN);
	pair->away |= (grant->flags & GRANT_AWAY) != 0;
	note_open(pair, grant);
	return nothing(pair, word);
}

static enum pair_event
stop(struct pair *pair, struct pair_word *word)
{
	pair->up.ended = true;	/* what is left is what it asks for */
	told_progress(&pair->untold);
	return add(pair, word);
}

static enum pair_event
open_down(struct pair *pair, struct pair_word *word)
{
	if (word != NULL && word->grant != NULL)
		(void)add(pair, word);
	pair->down.left = GRANT_UNLIMITED;
	pair->client.readable = true;	/* has it sent more? */
	return nothing(pair, word);
}

static enum pair_event
shut_down(struct pair *pair, struct pair_word *word)
{
	pair->down.left = 0;
	return nothing(pair, word);
}

static enum pair_event
open_tunnel(struct pair *pair, struct pair_word *word)
{
	(void)add(pair, word);
	pair->client.readable = pair->backend.readable = true;
	return open_both(pair, word);
}

static enum pair_event
judge(struct pair *pair, struct pair_word *word)
{
	(void)word;
	if (pair->open)
		return ON_OPEN;
	return flow_done(&pair->down) ? ON_IDLE : ON_LIMITED;
}

/* A tenant that is gone already needs not be told. */
static enum pair_event
pass_up(struct pair *pair, struct pair_word *word)
{
	(void)word;
	pair->up.ended = pair->client_ended = pair->away = true;
	if (pair->down.ended)
		return ON_READ_ENDED;
	(void)shutdown(pair->backend.fd, SHUT_WR);
	return ON_NOTHING;
}

static enum pair_event
tell_up(struct pair *pair, struct pair_word *word)
{
	told_progress(&pair->untold);
	return pass_up(pair, word);
}

static enum pair_event
pass_down(struct pair *pair, struct pair_word *word)
{
	(void)word;
	pair->down.ended = true;
	if (pair->client_ended)
		return ON_READ_ENDED;
	/* Has it closed altogether, not just ended its own direction? */
	if (pair->up.ended || side_gone(&pair->backend))
		return ON_OVER;
	(void)shutdown(pair->client.fd, SHUT_WR);
	return ON_NOTHING;
}

/* The tenant reads no more, but its answer may still be coming. */
static enum pair_event
mute_up(struct pair *pair, struct pair_word *word)
{
	(void)word;
	mover_drop(&pair->up.load);
	pair->up.ended = pair->deaf = true;
	return pair->down.ended ? ON_OVER : ON_NOTHING;
}

static enum pair_event
tell_deaf(struct pair *pair, struct pair_word *word)
{
	told_progress(&pair->untold);
	return mute_up(pair, word);
}

/* The last that usherd-http hears of it; what that says now is passed over. */
static void
tell_over(struct pair *pair)
{
	pair->over = true;
	told_progress(&pair->untold);
	pair_forget(pair);
}

static enum pair_event
retire(struct pair *pair, struct pair_word *word)
{
	tell_over(pair);
	mover_drop(&pair->up.load);
	pair->up.ended = true;
	return nothing(pair, word);
}

/* A close with bytes unread would reset the connection, and lose what the
 * client has not read yet. */
static enum pair_event
bye(struct pair *pair, struct pair_word *word)
{
	pair_forget(pair);
	pair_detach(pair);
	pair->until = timeouts_now() + GOODBYE_ALL_MS;
	pair->client.readable = true;
	if (shutdown(pair->client.fd, SHUT_WR) == -1 ||
	    side_want(&pair->client, EV_READ) == -1)
		return ON_FAILED;
	return nothing(pair, word);
}

static enum pair_event
leave(struct pair *pair, struct pair_word *word)
{
	pair->tenant_ended = true;
	tell_over(pair);
	return bye(pair, word);
}

static enum pair_event
end(struct pair *pair, struct pair_word *word)
{
	(void)word;
	pair_close(pair);
	return ON_NOTHING;
}

static enum pair_event
abandon(struct pair *pair, struct pair_word *word)
{
	tell_over(pair);
	return end(pair, word);
}

static void
ending_note(struct pair *pair, enum ending ending)
{
	if (pair->unsaid.report.ending == ENDING_NONE)
		pair->unsaid.report.ending = (uint8_t)ending;
}

/* The error has been given to usherd-http, but what it did is still seen. */
static enum pair_event
cut(struct pair *pair, struct pair_word *word)
{
	ending_note(pair, side_gone(&pair->client) ? ENDING_CLIENT :
	    ENDING_TENANT);
	return end(pair, word);
}

static action_fn *const actions[PAIR_ACTIONS] = {
	[DO_NOTHING] = nothing,
	[DO_ATTACH] = attach,
	[DO_ATTACH_ALL] = attach_all,
	[DO_SWITCH] = change,
	[DO_ANSWER] = answer,
	[DO_ADD] = add,
	[DO_STOP] = stop,
	[DO_OPEN_DOWN] = open_down,
	[DO_OPEN_BOTH] = open_tunnel,
	[DO_SHUT_DOWN] = shut_down,
	[DO_JUDGE] = judge,
	[DO_PASS_UP] = pass_up,
	[DO_TELL_UP] = tell_up,
	[DO_PASS_DOWN] = pass_down,
	[DO_MUTE_UP] = mute_up,
	[DO_TELL_DEAF] = tell_deaf,
	[DO_RETIRE] = retire,
	[DO_LEAVE] = leave,
	[DO_ABANDON] = abandon,
	[DO_BYE] = bye,
	[DO_CUT] = cut,
	[DO_CLOSE] = end
};

int
pair_step(struct pair *pair, enum pair_event event, struct pair_word *word)
{
	const struct pair_cell *cell;

	if (!pair_allows((enum pair_state)pair->state, event))
		return -1;
	do {
		cell = &pair_cells[pair->state][event];
		if (cell->action == DO_BREACH)
			_exit(1);	/* ours: a unit test looks for it */
		ending_note(pair, cell->ending);
		pair->state = (unsigned char)cell->next;
		event = actions[cell->action](pair, word);
		if ((pair_action_events[cell->action] & 1U << event) == 0)
			_exit(1);
	} while (event != ON_NOTHING);
	if (pair->state != PAIR_FREE)
		pair_time(pair);
	return 0;
}

void
pair_must(struct pair *pair, enum pair_event event)
{
	if (pair_step(pair, event, NULL) == -1)
		_exit(1);
}
