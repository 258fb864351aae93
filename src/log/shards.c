/* SPDX-License-Identifier: ISC */
#include <sys/mman.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../common/address.h"
#include "../common/launch.h"
#include "budget.h"
#include "check.h"
#include "lines.h"
#include "render.h"
#include "shards.h"

enum {
	TURN_RECORDS = 16 * 1024 / sizeof(struct log_record),
	PIPE_TURNS_MAX = 128	/* 2 MiB: more than a pipe holds */
};

struct shard {
	int	pipe;	/* -1: none, or at its end */
	bool	broken;	/* no longer read */
};

static struct shard		shards[LOG_SHARDS_MAX];
static struct pages		pages;
static char			hosts_path[LOG_TEXT_MAX];
static bool			take_steps;
/* Its address is a multiple of what a record needs, whatever is read. */
static struct log_record	records[TURN_RECORDS];

void
shards_make(bool steps)
{
	size_t i;

	take_steps = steps;
	for (i = 0; i < LOG_SHARDS_MAX; i++)
		shards[i].pipe = -1;
}

const struct pages *
shards_pages(void)
{
	return &pages;
}

static int64_t
now(void)
{
	struct timespec time;

	if (clock_gettime(CLOCK_MONOTONIC, &time) == -1)
		_exit(1);	/* it is there on every system */
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000 + 1;
}

/* A client may cause so many lines, and a front as many as one client. */
static bool
affordable(const struct log_record *record, unsigned int number)
{
	const struct sockaddr	*client;
	const uint64_t		 front = UINT64_MAX - number;

	if (record->kind == LOG_STEP)
		return true;	/* asked for */
	if (record->kind != LOG_REFUSED)
		return budget_take(front, front, now());
	client = (const struct sockaddr *)&record->client;
	return budget_take(address_source(client), address_network(client),
	    now());
}

/* Gives -1 when it is broken. */
static int
take(unsigned int number, const struct log_record *claimed)
{
	char			text[LINE_TEXT_MAX];
	struct log_record	record;

	if (check_record(&record, claimed, take_steps) == -1)
		return -1;
	if (record.kind == LOG_LOST_LINES) {
		lines_lost(record.count);
		return 0;
	}
	if (!affordable(&record, number)) {
		lines_lost(1);
		return 0;
	}
	render(text, &record, number, hosts_path);
	lines_put(text);
	return 0;
}

static void
broken(struct shard *shard, unsigned int number)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "front %u: broken log record",
	    number);
	lines_put(text);
	shard->broken = true;
}

static void
ended(struct shard *shard)
{
	(void)close(shard->pipe);	/* read only */
	shard->pipe = -1;
}

static void
read_one(struct shard *shard, unsigned int number)
{
	ssize_t	n;
	size_t	i;

	do {
		n = read(shard->pipe, records, sizeof(records));
	} while (n == -1 && errno == EINTR);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		ended(shard);
		return;
	}
	for (i = 0; i < (size_t)n / sizeof(records[0]); i++) {
		if (take(number, &records[i]) == -1) {
			broken(shard, number);
			return;
		}
	}
	if ((size_t)n % sizeof(records[0]) != 0)
		broken(shard, number);
}

void
shards_watch(struct pollfd fds[LOG_SHARDS_MAX])
{
	size_t i;

	for (i = 0; i < LOG_SHARDS_MAX; i++) {
		fds[i].fd = shards[i].broken ? -1 : shards[i].pipe;
		fds[i].events = POLLIN;
		fds[i].revents = 0;
	}
}

/* Another begins each turn, so that none always finds stderr full. */
void
shards_turn(const struct pollfd fds[LOG_SHARDS_MAX])
{
	static unsigned int	first;
	unsigned int		i, at;

	for (i = 0; i < LOG_SHARDS_MAX; i++) {
		at = (first + i) % LOG_SHARDS_MAX;
		if (fds[at].fd != -1 && fds[at].revents != 0)
			read_one(&shards[at], at + 1);
	}
	first = (first + 1) % LOG_SHARDS_MAX;
}

void
shards_drain(void)
{
	struct pollfd	fds[LOG_SHARDS_MAX];
	int		turn;

	for (turn = 0; turn < PIPE_TURNS_MAX; turn++) {
		shards_watch(fds);
		if (poll(fds, LOG_SHARDS_MAX, 0) <= 0)
			return;
		shards_turn(fds);
		lines_flush();
	}
}

/* Throws away what a front has left that broke the rules. */
static void
discard(int pipe)
{
	struct pollfd	in = { pipe, POLLIN, 0 };
	int		turn;

	for (turn = 0; turn < PIPE_TURNS_MAX; turn++) {
		if (poll(&in, 1, 0) != 1 || (in.revents & POLLIN) == 0 ||
		    read(pipe, records, sizeof(records)) <= 0)
			return;
	}
}

static int
map(unsigned int number, int page)
{
	void *at;

	at = mmap(NULL, COUNTERS_SIZE, PROT_READ, MAP_SHARED, page, 0);
	(void)close(page);	/* mapped, or of no use */
	if (at == MAP_FAILED)
		return -1;
	if (pages.of[number - 1] != NULL)
		(void)munmap((void *)(uintptr_t)pages.of[number - 1],
		    COUNTERS_SIZE);	/* mapped here */
	pages.of[number - 1] = at;
	return 0;
}

int
shards_give(unsigned int number, int pipe, int page, const char *hosts)
{
	struct shard *shard = &shards[number - 1];

	(void)snprintf(hosts_path, sizeof(hosts_path), "%s", hosts);
	if (shard->pipe != -1)
		ended(shard);
	if (shard->broken)
		discard(pipe);
	shard->broken = false;
	shard->pipe = pipe;
	return map(number, page);
}
