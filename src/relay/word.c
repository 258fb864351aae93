/* SPDX-License-Identifier: ISC */
#include <stdbool.h>
#include <unistd.h>

#include "granted.h"
#include "pair_machine.h"
#include "told.h"
#include "word.h"

enum {
	ENDS = GRANT_FINISH | GRANT_CUT
};

static bool parser_lost;

static void
lose_parser(struct pair *pair)
{
	/* In the states that have no such cell it has none, or is over. */
	(void)pair_step(pair, ON_PARSER_LOST, NULL);
}

void
word_relay(const struct order *order, int client, int backend)
{
	struct pair_word	 word = { NULL, order, backend };
	struct pair		*pair = pair_new(client, order->id);

	(void)pair_step(pair, relay_protocol == PROTOCOL_TLS ? ON_RELAY_ALL :
	    ON_RELAY, &word);
	if (parser_lost)
		lose_parser(pair);
}

void
word_refuse(const struct order *order, int client)
{
	struct pair_word word = { NULL, order, -1 };

	(void)pair_step(pair_new(client, 0), ON_REFUSE, &word);
}

void
word_next(const struct order *order, int backend)
{
	struct pair_word	 word = { NULL, order, backend };
	struct pair		*pair = pair_find(order->id);

	if (pair != NULL)
		(void)pair_step(pair, ON_NEXT, &word);
	if (word.backend != -1)
		(void)close(word.backend);	/* nothing was sent to it */
}

void
word_end(const struct order *order)
{
	struct pair_word	 word = { NULL, order, -1 };
	struct pair		*pair = pair_find(order->id);

	if (pair != NULL)
		(void)pair_step(pair, ON_END, &word);
}

static enum pair_event
event_of(uint32_t flags)
{
	static const struct {
		uint32_t	flag;
		enum pair_event	event;
	} events[] = {
		{ GRANT_CUT, ON_CUT },
		{ GRANT_FINISH, ON_FINISH },
		{ GRANT_LAST, ON_LAST },
		{ GRANT_WARY, ON_WARY },
		{ GRANT_TUNNEL, ON_TUNNEL },
		{ GRANT_STOP, ON_STOP },
		{ GRANT_HURRY, ON_HURRY },
		{ GRANT_CALM, ON_CALM },
	};
	size_t i;

	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if ((flags & events[i].flag) != 0)
			return events[i].event;
	}
	return ON_GRANT;
}

/* A client that has asked ahead does not wait to see an end: what comes is for
 * it the response that it was to be. */
static enum pair_event
event_now(const struct pair *pair, const struct grant *grant)
{
	const enum pair_event event = event_of(grant->flags);

	return event == ON_WARY && side_unread(&pair->client,
	    pair->up.left + grant->up) ? ON_LAST : event;
}

static bool
late_end(const struct pair *pair, const struct grant *grant)
{
	return grant->backend == pair->number - 1 && grant->up == 0 &&
	    grant->down == 0 && (grant->flags & ENDS) != 0;
}

static bool
sums_allowed(const struct pair *pair, const struct grant *grant)
{
	uint64_t up = pair->up.left, down = pair->down.left;

	return granted_add(&up, grant->up) && granted_add(&down, grant->down);
}

enum word_result
word_grant(const struct grant *grant)
{
	struct pair_word	 word = { grant, NULL, -1 };
	struct pair		*pair = pair_find(grant->id);

	if (pair == NULL)
		return WORD_UNKNOWN;
	if (grant->backend == pair->number + 1)
		return WORD_EARLY;
	if (grant->serial != pair->serial + 1)
		return WORD_BREACH;
	pair->serial++;
	if (grant->backend != pair->number && !late_end(pair, grant))
		return WORD_BREACH;
	if (!sums_allowed(pair, grant) ||
	    pair_step(pair, event_now(pair, grant), &word) == -1)
		return WORD_BREACH;
	return WORD_TAKEN;
}

void
word_parser_lost(void)
{
	parser_lost = true;
	told_mute();
	pairs_each(lose_parser);
}
