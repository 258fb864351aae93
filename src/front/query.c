/* SPDX-License-Identifier: ISC */
/*
 * The table of queries is the loop's.  A thread has one of them in hand from
 * when the loop wrote its number into the one pipe until it writes it into the
 * other itself; nobody else touches that one meanwhile but for its asker,
 * which is the loop's.
 */
#include <sys/queue.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "hosts_system.h"
#include "query.h"

enum {
	/*
	 * What a thread does takes microseconds, unless it is stuck: so there
	 * are as many as tenants may be stuck before the others' cold names
	 * suffer, and 8 stacks cost nothing.
	 */
	THREADS = 8,
	THREAD_STACK = 256 * 1024,	/* it needs some 20 KiB */
	/* Of what waits and runs: a burst of connections in 1 s that nobody has
	 * been to for long; of one directory those that it answers anyway as
	 * soon as it can; a quarter for an owner. */
	QUERIES = 256,
	DIRECTORY_QUERIES = 8,
	OWNER_QUERIES = QUERIES / 4,
	OWNER_RUNNING = THREADS / 4,
	READY = UINT16_MAX		/* a thread's first word */
};

enum state {
	QUERY_FREE,
	QUERY_WAITING,
	QUERY_RUNNING,		/* in a thread's hands */
	QUERY_ANSWERED
};

struct query {
	enum state		 state;		/* the loop's word for it */
	atomic_bool		 answered;	/* the thread's */
	void			*asker;		/* NULL: it was dropped */

	struct target		 target;
	struct hostname		 name;		/* of the target */
	struct ends		 ends;
	struct found		 cold;		/* why it is asked */

	enum refusal		 refusal;	/* the answer */
	struct found		 found;
	TAILQ_ENTRY(query)	 link;		/* free or waiting */
};

TAILQ_HEAD(query_list, query);

_Static_assert(THREADS + 1 == HOSTS_THREADS, "they connect, and the loop");

static struct query		 queries[QUERIES];
static struct query_list	 spare = TAILQ_HEAD_INITIALIZER(spare);
static struct query_list	 waiting = TAILQ_HEAD_INITIALIZER(waiting);
static struct query		*running[THREADS];	/* NULL: none */
static int			 orders[2], answers[2];	/* pipes */
static struct event		*answers_event;
static void			(*query_done)(void *);

static void
number_write(int pipe, uint16_t number)
{
	if (write(pipe, &number, sizeof(number)) != sizeof(number))
		err(1, "pipe of look-up threads");
}

static uint16_t
number_read(int pipe)
{
	uint16_t	number;
	ssize_t		n;

	do {
		n = read(pipe, &number, sizeof(number));
	} while (n == -1 && errno == EINTR);
	if (n != sizeof(number))
		err(1, "pipe of look-up threads");
	return number;
}

/* A thread. */
static void *
look_up(void *unused)
{
	struct query	*query;
	uint16_t	 number;

	number_write(answers[1], READY);
	for (;;) {
		number = number_read(orders[0]);
		query = &queries[number];
		if (atomic_load(&query->answered))
			continue;	/* never: it is not ours */
		query->refusal = backend_open(&query->target, &query->ends,
		    true, &query->found);
		atomic_store(&query->answered, true);
		number_write(answers[1], number);
	}
	return unused;
}

static void
query_free(struct query *query)
{
	query->state = QUERY_FREE;
	query->asker = NULL;
	TAILQ_INSERT_HEAD(&spare, query, link);
}

static bool
same_directory(const struct query *query, const struct tenant *at)
{
	const struct tenant *cold = &query->cold.patience.at;

	return cold->device == at->device && cold->directory == at->directory;
}

/* These may have as many as they like: who else would they take them from? */
static bool
is_trusted(const struct found *cold, uid_t owner)
{
	return owner == 0 || owner == cold->trusted;
}

/* Both who owns the host and who owns the directory that it led to. */
static bool
concerns(const struct query *query, uid_t owner)
{
	return query->cold.tenant.owner == owner ||
	    query->cold.patience.at.owner == owner;
}

static unsigned int
running_of(uid_t owner)
{
	unsigned int i, n = 0;

	for (i = 0; i < THREADS; i++)
		n += running[i] != NULL && concerns(running[i], owner);
	return n;
}

static bool
may_run(const struct query *query)
{
	const struct tenant	*at = &query->cold.patience.at;
	const uid_t		 owners[2] = {
		query->cold.tenant.owner, at->owner
	};
	unsigned int		 i;

	for (i = 0; i < THREADS; i++) {
		if (running[i] != NULL &&
		    same_directory(running[i], at))
			return false;
	}
	for (i = 0; i < 2; i++) {
		if (!is_trusted(&query->cold, owners[i]) &&
		    running_of(owners[i]) >= OWNER_RUNNING)
			return false;
	}
	return true;
}

/* Gives the threads that are free what may be done now, the oldest first. */
static void
dispatch(void)
{
	struct query	*query, *next;
	unsigned int	 i = 0;

	for (query = TAILQ_FIRST(&waiting); query != NULL; query = next) {
		next = TAILQ_NEXT(query, link);
		while (i < THREADS && running[i] != NULL)
			i++;
		if (i == THREADS)
			return;
		if (!may_run(query))
			continue;
		TAILQ_REMOVE(&waiting, query, link);
		query->state = QUERY_RUNNING;
		running[i] = query;
		number_write(orders[1], (uint16_t)(query - queries));
	}
}

static void
found_close(struct found *found)
{
	if (found->socket != -1)
		(void)close(found->socket);	/* nothing depends on it */
	found->socket = -1;
}

static void
query_answered(struct query *query)
{
	unsigned int i;

	for (i = 0; i < THREADS; i++) {
		if (running[i] == query)
			running[i] = NULL;
	}
	query->state = QUERY_ANSWERED;
	absence_learn(&query->found.missing);
	listing_learn(&query->found.listing);
	if (query->asker != NULL) {
		query_done(query->asker);
		return;
	}
	found_close(&query->found);
	query_free(query);
}

static void
on_answers(evutil_socket_t fd, short what, void *arg)
{
	uint16_t number = number_read(fd);

	(void)what;
	(void)arg;
	if (number >= QUERIES || queries[number].state != QUERY_RUNNING ||
	    !atomic_load(&queries[number].answered))
		errx(1, "look-up threads out of step");
	query_answered(&queries[number]);
	dispatch();
}

/*
 * One that is stuck for so long that its asker has gone stands for all of its
 * directory.
 */
static bool
has_room(const struct found *cold)
{
	const struct tenant	*at = &cold->patience.at;
	const uid_t		 owner = cold->tenant.owner;
	const struct query	*query;
	unsigned int		 directory = 0, owners = 0;

	for (query = queries; query < queries + QUERIES; query++) {
		if (query->state != QUERY_WAITING &&
		    query->state != QUERY_RUNNING)
			continue;
		if (same_directory(query, at)) {
			if (query->asker == NULL)
				return false;
			directory++;
		}
		owners += (!is_trusted(cold, owner) &&
		    concerns(query, owner)) ||
		    (!is_trusted(cold, at->owner) &&
		    concerns(query, at->owner));
	}
	return directory < DIRECTORY_QUERIES && owners < OWNER_QUERIES;
}

struct query *
query_post(void *asker, const struct target *target, const struct ends *ends,
    const struct found *cold)
{
	struct query *query = TAILQ_FIRST(&spare);

	if (query == NULL || !has_room(cold))
		return NULL;
	TAILQ_REMOVE(&spare, query, link);
	atomic_store(&query->answered, false);
	query->asker = asker;
	query->target = *target;
	if (target->name != NULL) {
		query->name = *target->name;
		query->target.name = &query->name;
	}
	query->ends = *ends;
	query->cold = *cold;
	query->state = QUERY_WAITING;
	TAILQ_INSERT_TAIL(&waiting, query, link);
	dispatch();
	return query;
}

void
query_drop(struct query *query)
{
	query->asker = NULL;
	if (query->state == QUERY_RUNNING)
		return;		/* until its thread is done with it */
	if (query->state == QUERY_WAITING)
		TAILQ_REMOVE(&waiting, query, link);
	else
		found_close(&query->found);
	query_free(query);
}

bool
query_take(struct query *query, const struct target *target,
    enum refusal *refusal, struct found *found)
{
	if (query->state != QUERY_ANSWERED) {
		*refusal = REFUSAL_RACE;
		*found = query->cold;
		query_drop(query);
		return true;
	}
	if (query->target.handoff != target->handoff) {
		query_drop(query);
		return false;
	}
	*refusal = query->refusal;
	*found = query->found;
	query_free(query);
	return true;
}

void
queries_make(struct event_base *base, void (*done)(void *))
{
	size_t i;

	query_done = done;
	for (i = 0; i < QUERIES; i++)
		query_free(&queries[i]);
	if (pipe2(orders, O_CLOEXEC) == -1 || pipe2(answers, O_CLOEXEC) == -1)
		err(1, "pipes of look-up threads");
	answers_event = event_new(base, answers[0], EV_READ | EV_PERSIST,
	    on_answers, NULL);
	if (answers_event == NULL)
		errx(1, "out of memory");
}

void
queries_pipes(int written[QUERY_PIPES])
{
	written[0] = orders[1];
	written[1] = answers[1];
}

void
queries_start(void)
{
	pthread_attr_t	attributes;
	pthread_t	thread;
	sigset_t	all, before;
	int		i, error;

	/* Signals are the loop's. */
	(void)sigfillset(&all);		/* valid */
	error = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (error == 0)
		error = pthread_attr_init(&attributes);
	if (error == 0)
		error = pthread_attr_setstacksize(&attributes, THREAD_STACK);
	for (i = 0; error == 0 && i < THREADS; i++)
		error = pthread_create(&thread, &attributes, look_up, NULL);
	if (error == 0)
		error = pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0) {
		errno = error;
		err(1, "threads");
	}
	(void)pthread_attr_destroy(&attributes);	/* cannot fail */
	for (i = 0; i < THREADS; i++) {
		if (number_read(answers[0]) != READY)
			errx(1, "look-up threads out of step");
	}
	if (event_add(answers_event, NULL) == -1)
		errx(1, "look-up threads: out of memory");
}
