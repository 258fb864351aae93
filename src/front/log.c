/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

_Static_assert(sizeof(struct log_record) <= PIPE_BUF, "written whole");

static uint32_t lost;	/* since the last record that went through */

static int
write_record(const struct log_record *record)
{
	ssize_t n;

	do {
		n = write(FRONT_LOG, record, sizeof(*record));
	} while (n == -1 && errno == EINTR);
	return n == (ssize_t)sizeof(*record) ? 0 : -1;
}

static int
lost_send(void)
{
	struct log_record record;

	if (lost == 0)
		return 0;
	memset(&record, 0, sizeof(record));
	record.kind = LOG_LOST_LINES;
	record.count = lost;
	if (write_record(&record) == -1)
		return -1;
	lost = 0;
	return 0;
}

void
log_send(const struct log_record *record)
{
	if (lost_send() == 0 && write_record(record) == 0)
		return;
	if (lost < UINT32_MAX)
		lost++;
}

/* -1 where there is none: 0. */
void
log_child(enum child_kind child, pid_t pid, enum log_why why,
    uint32_t count, uint32_t value)
{
	struct log_record record;

	memset(&record, 0, sizeof(record));
	record.kind = LOG_CHILD;
	record.child = child;
	record.pid = pid < 0 ? 0 : (uint32_t)pid;
	record.why = why;
	record.count = count;
	record.value = value;
	log_send(&record);
}

static void
log_error(enum log_kind kind, int error)
{
	struct log_record record;

	memset(&record, 0, sizeof(record));
	record.kind = kind;
	record.error = (uint32_t)error;
	log_send(&record);
}

void
log_accept(int error)
{
	log_error(LOG_ACCEPT, error > 0 ? error : EINVAL);
}

void
log_loop(int error)
{
	log_error(LOG_LOOP, error > 0 ? error : 0);
}

void
log_hosts_gone(void)
{
	struct log_record record;

	memset(&record, 0, sizeof(record));
	record.kind = LOG_HOSTS_GONE;
	log_send(&record);
}

void
log_step(uint32_t id, uint32_t state, uint32_t event, uint32_t action,
    uint32_t next)
{
	struct log_record record;

	memset(&record, 0, sizeof(record));
	record.kind = LOG_STEP;
	record.id = id;
	record.state = state;
	record.event = event;
	record.action = action;
	record.next = next;
	log_send(&record);
}
