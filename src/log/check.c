/* SPDX-License-Identifier: ISC */
/*
 * The fields of a record's kind are copied, each when it has a legal value,
 * into one that is all zero.  Where that is then not the record that came,
 * something else was in it.
 */
#include <string.h>

#include "../common/launch.h"
#include "../common/refusal.h"
#include "check.h"

static bool
letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* A name in hosts/ as usher-hosts(5) has them: of a host, or with '_'. */
static bool
entry_legal(const char *entry)
{
	size_t i;

	for (i = 0; i <= HOSTNAME_MAX && entry[i] != '\0'; i++) {
		if (!letter_or_digit(entry[i]) && entry[i] != '-' &&
		    entry[i] != '.' && entry[i] != '_')
			return false;
	}
	return i <= HOSTNAME_MAX;
}

/* What place_append() writes. */
static bool
at_legal(const char *at)
{
	size_t i;

	for (i = 0; i < LOG_AT_MAX && at[i] != '\0'; i++) {
		if (!letter_or_digit(at[i]) &&
		    !(at[i] >= 'A' && at[i] <= 'Z') &&
		    strchr("._-/?", at[i]) == NULL)
			return false;
	}
	return i < LOG_AT_MAX;
}

static int
client_check(struct sockaddr_in6 *good, const struct sockaddr_in6 *claimed)
{
	struct sockaddr_in v4, clean;

	switch (claimed->sin6_family) {
	case AF_INET:
		memset(&clean, 0, sizeof(clean));
		memcpy(&v4, claimed, sizeof(v4));
		clean.sin_family = AF_INET;
		clean.sin_port = v4.sin_port;
		clean.sin_addr = v4.sin_addr;
		memcpy(good, &clean, sizeof(clean));
		return 0;
	case AF_INET6:
		good->sin6_family = AF_INET6;
		good->sin6_port = claimed->sin6_port;
		good->sin6_addr = claimed->sin6_addr;
		good->sin6_scope_id = claimed->sin6_scope_id;
		return 0;
	case 0:
		return 0;
	}
	return -1;
}

/* What is missing, and of whom: entry and at have been copied. */
static int
needs_check(struct log_record *good, const struct log_record *claimed)
{
	switch (claimed->needs) {
	case 0:
		return good->at[0] == '\0' || good->entry[0] != '\0' ? 0 : -1;
	case 'r':
	case 'w':
	case 'x':
	case 't':
		break;
	default:
		return -1;
	}
	if (good->at[0] == '\0' || claimed->mode > LOG_MODE_MAX)
		return -1;
	good->needs = claimed->needs;
	good->mode = claimed->mode;
	good->uid = claimed->uid;
	good->gid = claimed->gid;
	return 0;
}

static int
refused_check(struct log_record *good, const struct log_record *claimed)
{
	if (claimed->protocol >= PROTOCOL_COUNT ||
	    refusal_answer(claimed->refusal) == NULL || claimed->named > 1)
		return -1;
	good->protocol = claimed->protocol;
	good->refusal = claimed->refusal;
	good->named = claimed->named;
	if (claimed->named == 1 &&
	    hostname_check(&good->name, &claimed->name) == -1)
		return -1;
	if (client_check(&good->client, &claimed->client) == -1 ||
	    !entry_legal(claimed->entry) || !at_legal(claimed->at))
		return -1;
	memcpy(good->entry, claimed->entry, strlen(claimed->entry));
	memcpy(good->at, claimed->at, strlen(claimed->at));
	return needs_check(good, claimed);
}

static int
child_check(struct log_record *good, const struct log_record *claimed)
{
	if (claimed->child >= CHILD_KINDS || claimed->pid > INT32_MAX ||
	    claimed->why >= LOG_WHYS)
		return -1;
	good->child = claimed->child;
	good->pid = claimed->pid;
	good->why = claimed->why;
	switch ((enum log_why)claimed->why) {
	case LOG_BROKE_RULES:
	case LOG_NO_ANSWER:
	case LOG_NO_MESSAGES:
	case LOG_NO_EVENT:
	case LOG_KEPT:
		return 0;
	case LOG_LOST:
		good->count = claimed->count;
		return 0;
	case LOG_DRAINED_LONG:
		good->count = claimed->count;
		good->value = claimed->value;
		return 0;
	case LOG_SUCCEEDS:
		good->count = claimed->count;
		good->value = claimed->value;
		return claimed->value <= INT32_MAX ? 0 : -1;
	case LOG_WHYS:
		break;
	}
	return -1;	/* why is 0 */
}

static int
step_check(struct log_record *good, const struct log_record *claimed)
{
	if (claimed->state > LOG_STEP_MAX || claimed->event > LOG_STEP_MAX ||
	    claimed->action > LOG_STEP_MAX || claimed->next > LOG_STEP_MAX)
		return -1;
	good->id = claimed->id;
	good->state = claimed->state;
	good->event = claimed->event;
	good->action = claimed->action;
	good->next = claimed->next;
	return 0;
}

static int
fields_check(struct log_record *good, const struct log_record *claimed,
    bool steps)
{
	switch ((enum log_kind)claimed->kind) {
	case LOG_REFUSED:
		return refused_check(good, claimed);
	case LOG_CHILD:
		return child_check(good, claimed);
	case LOG_ACCEPT:
	case LOG_LOOP:
		good->error = claimed->error;
		if (claimed->kind == LOG_ACCEPT && claimed->error == 0)
			return -1;
		return claimed->error <= LOG_ERROR_MAX ? 0 : -1;
	case LOG_HOSTS_GONE:
		return 0;
	case LOG_STEP:
		return steps ? step_check(good, claimed) : -1;
	case LOG_LOST_LINES:
		good->count = claimed->count;
		return claimed->count > 0 ? 0 : -1;
	}
	return -1;
}

int
check_record(struct log_record *good, const struct log_record *claimed,
    bool steps)
{
	memset(good, 0, sizeof(*good));
	good->kind = claimed->kind;
	if (fields_check(good, claimed, steps) == -1)
		return -1;
	return memcmp(good, claimed, sizeof(*good)) == 0 ? 0 : -1;
}
