/* SPDX-License-Identifier: ISC */
#include <sys/queue.h>

#include <err.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <unistd.h>

#include "../common/timeouts.h"
#include "outq.h"
#include "counts.h"
#include "inflight.h"

enum {
	SOON_MS = 20,		/* a server that is well has it by then */
	SWEEP_MS = 5,
	HOST_MAX = 256,		/* more than a burst leaves behind */
	BUCKETS = 1024
};

TAILQ_HEAD(messages, message);

/*
 * What one host has not picked up, or what all the hosts of one owner have
 * not.  There is one only while that is not nothing.
 */
struct account {
	struct tenant		 of;
	unsigned int		 n;
	struct messages		 messages;	/* of a host */
	int64_t			 swept;		/* when it was looked through */
	unsigned int		 fresh;		/* come since then */
	LIST_ENTRY(account)	 chain;
};

struct message {
	int			 stream;
	struct account		*host, *owner;
	struct timeout		 age;		/* in soon, or: */
	struct event		 event;		/* the stream is watched */
	bool			 watched;
	TAILQ_ENTRY(message)	 of_host;
};

LIST_HEAD(accounts, account);

static struct accounts	buckets[BUCKETS], spare_accounts;
static struct messages	spare_messages;
static struct timeouts	soon;
static struct event_base *loop;
static unsigned int	inflight, inflight_max;

/* The account of all hosts of an owner is under no directory. */
static struct tenant
owner_of(const struct tenant *tenant)
{
	const struct tenant owner = { 0, 0, tenant->owner };

	return owner;
}

static struct accounts *
bucket(const struct tenant *of)
{
	return &buckets[(of->device * 31 + of->directory * 7 + of->owner) %
	    BUCKETS];
}

static struct account *
account_find(const struct tenant *of)
{
	struct account *account;

	LIST_FOREACH(account, bucket(of), chain) {
		if (account->of.device == of->device &&
		    account->of.directory == of->directory &&
		    account->of.owner == of->owner)
			return account;
	}
	return NULL;
}

static struct account *
account_get(const struct tenant *of)
{
	struct account *account = account_find(of);

	if (account == NULL) {
		account = LIST_FIRST(&spare_accounts);
		LIST_REMOVE(account, chain);
		LIST_INSERT_HEAD(bucket(of), account, chain);
		account->of = *of;
		account->n = 0;
		account->swept = 0;
		account->fresh = 0;
		TAILQ_INIT(&account->messages);
	}
	account->n++;
	account->fresh++;
	return account;
}

static void
account_put(struct account *account)
{
	if (--account->n > 0)
		return;
	LIST_REMOVE(account, chain);
	LIST_INSERT_HEAD(&spare_accounts, account, chain);
}

static void
message_done(struct message *message)
{
	timeouts_remove(&soon, &message->age);
	if (message->watched)
		(void)event_del(&message->event);	/* before the close */
	message->watched = false;
	(void)close(message->stream);	/* all was said on it */
	TAILQ_REMOVE(&message->host->messages, message, of_host);
	account_put(message->host);
	account_put(message->owner);
	TAILQ_INSERT_HEAD(&spare_messages, message, of_host);
	count_present(GAUGE_INFLIGHT, --inflight);
}

/* What a tenant takes makes room for more, and so does his end. */
static void
message_moved(evutil_socket_t fd, short what, void *arg)
{
	struct message *message = arg;

	(void)fd;
	(void)what;
	if (outq_empty(message->stream))
		message_done(message);
}

/*
 * From now on the kernel tells.  Edge-triggered: there is always room for
 * more.  A message that was taken a moment ago is told at once.
 */
static void
message_again(struct timeout *age)
{
	struct message *message;

	message = (void *)((char *)age - offsetof(struct message, age));
	if (outq_empty(message->stream)) {
		message_done(message);
		return;
	}
	if (event_assign(&message->event, loop, message->stream,
	    EV_WRITE | EV_ET | EV_PERSIST, message_moved, message) == 0 &&
	    event_add(&message->event, NULL) == 0)
		message->watched = true;
	else
		timeouts_touch(&soon, &message->age);	/* asked once more */
}

static void
account_sweep(struct account *account)
{
	struct message *message, *next;

	account->swept = timeouts_now();
	account->fresh = 0;
	for (message = TAILQ_FIRST(&account->messages); message != NULL;
	    message = next) {
		next = TAILQ_NEXT(message, of_host);
		if (outq_empty(message->stream))
			message_done(message);
	}
}

/* Not for each connection of one that is stuck, to whom nothing is sent. */
static bool
sweep_is_due(const struct account *account)
{
	return account->fresh > account->n / 4 ||
	    timeouts_now() - account->swept >= SWEEP_MS;
}

static unsigned int
left_of(const struct tenant *of)
{
	const struct account *account = account_find(of);

	return account == NULL ? 0 : account->n;
}

/*
 * An owner may have as many as are then still free, and a host as many as its
 * owner could then still have: whoever comes last finds some left, however
 * many are stuck.  Each host may have one as long as its owner may.
 */
static unsigned int
host_most(const struct tenant *tenant)
{
	const struct tenant	owner = owner_of(tenant);
	const unsigned int	left = inflight_max - inflight;
	const unsigned int	used = left_of(&owner);

	if (used >= left)
		return 0;
	return left - used < HOST_MAX ? left - used : HOST_MAX;
}

bool
inflight_room(const struct tenant *tenant)
{
	struct account *host = account_find(tenant);

	/* Looked through when half is used, so that a server that is well
	 * never comes near the rest. */
	if (host != NULL && host->n >= host_most(tenant) / 2 &&
	    sweep_is_due(host))
		account_sweep(host);
	return left_of(tenant) < host_most(tenant);
}

void
inflight_add(const struct tenant *tenant, int stream)
{
	const struct tenant	 owner = owner_of(tenant);
	struct message		*message = TAILQ_FIRST(&spare_messages);

	TAILQ_REMOVE(&spare_messages, message, of_host);
	message->stream = stream;
	message->host = account_get(tenant);
	message->owner = account_get(&owner);
	TAILQ_INSERT_TAIL(&message->host->messages, message, of_host);
	timeouts_touch(&soon, &message->age);
	count_present(GAUGE_INFLIGHT, ++inflight);
}

unsigned int
inflight_now(void)
{
	return inflight;
}

void
inflight_make(struct event_base *base, unsigned int max)
{
	struct account	*accounts;
	struct message	*messages;
	unsigned int	 i;

	accounts = calloc(2 * (size_t)max, sizeof(*accounts));
	messages = calloc(max, sizeof(*messages));
	if (accounts == NULL || messages == NULL)
		errx(1, "out of memory");
	inflight_max = max;
	TAILQ_INIT(&spare_messages);
	for (i = 0; i < max; i++)
		TAILQ_INSERT_TAIL(&spare_messages, &messages[i], of_host);
	for (i = 0; i < 2 * max; i++)
		LIST_INSERT_HEAD(&spare_accounts, &accounts[i], chain);
	loop = base;
	timeouts_init(&soon, base, SOON_MS, message_again);
}
