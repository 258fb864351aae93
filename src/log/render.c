/* SPDX-License-Identifier: ISC */
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>

#include "../common/address.h"
#include "../common/launch.h"
#include "../common/refusal.h"
#include "render.h"
#include "steps.h"

enum {
	TENANT_TEXT_MAX = HOSTNAME_MAX + LOG_AT_MAX + 96,
	ERROR_TEXT_MAX = 48
};

_Static_assert(LINE_TEXT_MAX >= TENANT_TEXT_MAX + HOSTNAME_MAX +
    ADDRESS_TEXT_MAX + 128, "a refusal fits");

/* " entry=_default at=_default/tls-socket mode=0755 owner=1002:1002 needs=w" */
static void
tenant_write(char text[TENANT_TEXT_MAX], const struct log_record *record)
{
	int n = 0;

	text[0] = '\0';
	if (record->entry[0] != '\0')
		n = snprintf(text, TENANT_TEXT_MAX, " entry=%s",
		    record->entry);
	if (record->needs != 0)
		(void)snprintf(text + n, TENANT_TEXT_MAX - (size_t)n,
		    " at=%s mode=%04o owner=%u:%u needs=%c", record->at,
		    record->mode, record->uid, record->gid,
		    (char)record->needs);
	else if (record->at[0] != '\0')
		(void)snprintf(text + n, TENANT_TEXT_MAX - (size_t)n,
		    " at=%s", record->at);
}

static void
refused_write(char text[LINE_TEXT_MAX], const struct log_record *record)
{
	const struct refusal_answer	*answer;
	const bool			 tls = record->protocol == PROTOCOL_TLS;
	struct address_text		 address;
	char				 tenant[TENANT_TEXT_MAX];

	answer = refusal_answer(record->refusal);
	address_write(&address, (const struct sockaddr *)&record->client);
	tenant_write(tenant, record);
	(void)snprintf(text, LINE_TEXT_MAX,
	    "refused %s client=[%s]:%u host=%s reason=%s %s=%d%s%s%s",
	    tls ? "tls" : "http", address.host, address.port,
	    record->named == 1 ? record->name.text : "-", answer->word,
	    tls ? "alert" : "status", tls ? answer->alert : answer->status,
	    answer->kind == NULL ? "" : " kind=",
	    answer->kind == NULL ? "" : answer->kind, tenant);
}

static void
child_write(char text[LINE_TEXT_MAX], const struct log_record *record,
    unsigned int shard)
{
	static const char *const	names[CHILD_KINDS] = {
		"tls parser", "tls relay", "http parser", "http relay"
	};
	static const char *const	ended[LOG_WHYS] = {
		[LOG_BROKE_RULES] = "broke the rules",
		[LOG_NO_ANSWER] = "does not answer",
		[LOG_NO_MESSAGES] = "takes no messages",
		[LOG_NO_EVENT] = "cannot be listened to",
		[LOG_KEPT] = "kept a connection too long"
	};
	size_t				room = LINE_TEXT_MAX;
	int				n;

	n = snprintf(text, room, "%s %u (pid %u)", names[record->child],
	    shard, record->pid);
	text += n;
	room -= (size_t)n;
	switch ((enum log_why)record->why) {
	case LOG_BROKE_RULES:
	case LOG_NO_ANSWER:
	case LOG_NO_MESSAGES:
	case LOG_NO_EVENT:
	case LOG_KEPT:
		(void)snprintf(text, room, " %s: replacing it",
		    ended[record->why]);
		return;
	case LOG_LOST:
		(void)snprintf(text, room, ": %u connections lost",
		    record->count);
		return;
	case LOG_DRAINED_LONG:
		(void)snprintf(text, room,
		    ": %u connections cut after draining for %u s",
		    record->count, record->value);
		return;
	case LOG_SUCCEEDS:
		(void)snprintf(text, room,
		    " takes the place of pid %u after %u connections",
		    record->value, record->count);
		return;
	case LOG_WHYS:
		return;
	}
}

/*
 * What accept4(2) and epoll_ctl(2) give when something is wrong with the
 * system.  Not strerror(3): it needs memory for a number that it does not know.
 */
static void
error_write(char text[ERROR_TEXT_MAX], unsigned int error)
{
	static const struct {
		unsigned int	 error;
		const char	*text;
	}		known[] = {
		{ EPERM, "Operation not permitted" },
		{ ENOENT, "No such file or directory" },
		{ EBADF, "Bad file descriptor" },
		{ ENOMEM, "Cannot allocate memory" },
		{ EEXIST, "File exists" },
		{ EINVAL, "Invalid argument" },
		{ ENFILE, "Too many open files in system" },
		{ EMFILE, "Too many open files" },
		{ ENOSPC, "No space left on device" },
		{ ENOBUFS, "No buffer space available" }
	};
	size_t		i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].error != error)
			continue;
		(void)snprintf(text, ERROR_TEXT_MAX, "%s", known[i].text);
		return;
	}
	(void)snprintf(text, ERROR_TEXT_MAX, "error %u", error);
}

void
render(char text[LINE_TEXT_MAX], const struct log_record *record,
    unsigned int shard, const char *hosts)
{
	char error[ERROR_TEXT_MAX];

	text[0] = '\0';
	switch ((enum log_kind)record->kind) {
	case LOG_REFUSED:
		refused_write(text, record);
		return;
	case LOG_CHILD:
		child_write(text, record, shard);
		return;
	case LOG_ACCEPT:
		error_write(error, record->error);
		(void)snprintf(text, LINE_TEXT_MAX, "accept: %s: waiting",
		    error);
		return;
	case LOG_LOOP:
		error_write(error, record->error);
		(void)snprintf(text, LINE_TEXT_MAX, "event loop: %s", error);
		return;
	case LOG_HOSTS_GONE:
		(void)snprintf(text, LINE_TEXT_MAX, "hosts directory %s has "
		    "been removed, and nothing is found any more: restart",
		    hosts);
		return;
	case LOG_STEP:
		steps_write(text, record, shard);
		return;
	case LOG_LOST_LINES:
		return;
	}
}
