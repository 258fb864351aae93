/* SPDX-License-Identifier: ISC */
/*
 * A front that can be told to misbehave, for tests only.  Linked with the
 * objects of usherd-front, -Wl,--wrap=host_open, -Wl,--wrap=message_send, and
 * -Wl,--wrap=timeouts_init: what takes ten minutes or an hour elsewhere takes
 * two seconds here.
 *
 * keys-ATTACK	an attack of attacks.c
 * keys-rights	what the filter does allow: it goes on as shipped
 * hands-ATTACK	has a relay do an attack: try_relay.c
 */
#include <sys/socket.h>
#include <sys/syscall.h>

#include <string.h>
#include <unistd.h>

#include "../../src/common/timeouts.h"
#include "../../src/front/hosts.h"
#include "../../src/front/linux.h"
#include "attacks.h"
#include "calls.h"

enum refusal	__real_host_open(struct host *, const struct hostname *,
		    struct place *);
enum refusal	__wrap_host_open(struct host *, const struct hostname *,
		    struct place *);
int	__real_message_send(int, const void *, size_t, const int *, size_t);
int	__wrap_message_send(int, const void *, size_t, const int *, size_t);

/* By which message_send() knows what it sends. */
_Static_assert(sizeof(struct orders) != sizeof(struct intake), "sizes");

void	__real_timeouts_init(struct timeouts *, struct event_base *, int64_t,
	    void (*)(struct timeout *));
void	__wrap_timeouts_init(struct timeouts *, struct event_base *, int64_t,
	    void (*)(struct timeout *));

static int hands = -1;		/* the attack that a relay is to be told */

void
__wrap_timeouts_init(struct timeouts *list, struct event_base *base,
    int64_t limit, void (*expired)(struct timeout *))
{
	const int64_t minutes = 10 * 60 * 1000;

	__real_timeouts_init(list, base, limit < minutes ? limit : 2000,
	    expired);
}

static int
ask(const char *path, enum hosts_question question)
{
	return (int)syscall(SYS_openat2, FRONT_HOSTS, path,
	    &hosts_questions[question], sizeof(hosts_questions[question]));
}

/* The neighbours of what is forbidden. */
static void
rights(void)
{
	int fd;

	fd = ask("_default", HOSTS_ENTRY);
	(void)close(fd);
	fd = ask("../outside", HOSTS_ENTRY);	/* asked, and refused */
	if (fd != -1)
		_exit(1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1 || close(fd) == -1)
		_exit(1);
}

static void
misbehave(const char *name)
{
	if (strncmp(name, "rights.", 7) == 0)
		rights();
	attack_by_name(KEYS, name);
}

int
__wrap_message_send(int fd, const void *record, size_t size, const int *fds,
    size_t nfds)
{
	struct orders	orders;
	size_t		i;
	int		sent;

	if (hands == -1 || size != sizeof(orders))
		return __real_message_send(fd, record, size, fds, nfds);
	memcpy(&orders, record, sizeof(orders));
	for (i = 0; i < ORDER_BATCH; i++) {
		if (orders.order[i].kind == ORDER_REFUSE)
			break;
	}
	if (i < ORDER_BATCH)
		order_of_attack(&orders.order[i], hands);
	sent = __real_message_send(fd, &orders, size, fds, nfds);
	if (sent == 0 && i < ORDER_BATCH)
		hands = -1;
	return sent;
}

enum refusal
__wrap_host_open(struct host *host, const struct hostname *name,
    struct place *place)
{
	if (name != NULL && strncmp(name->text, "keys-", 5) == 0)
		misbehave(name->text + 5);
	if (name != NULL && strncmp(name->text, "hands-", 6) == 0) {
		host->key[0] = '\0';
		hands = attack_number(HANDS | HANDS_ALONE,
		    name->text + 6);
		return REFUSAL_UNKNOWN;
	}
	return __real_host_open(host, name, place);
}
