/* SPDX-License-Identifier: ISC */
/*
 * A parent that can be told to misbehave, for tests only.  Linked with the
 * objects of usherd, -Wl,--wrap=host_open, -Wl,--wrap=sandbox_enter_parent (to
 * learn the numbers of its keys), -Wl,--wrap=message_send, and
 * -Wl,--wrap=timeouts_init: what takes ten minutes or an hour elsewhere takes
 * two seconds here.
 *
 * keys-ATTACK	an attack of attacks.c
 * keys-rights	what the filter does allow: it goes on as shipped
 * keys-swap-dup, keys-swap-close
 *		executes a tenant's file under the number of one of ours
 * hands-ATTACK	has a relay do an attack: try_relay.c
 */
#include <sys/socket.h>
#include <sys/syscall.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../../sandbox/sandbox.h"
#include "../../src/common/timeouts.h"
#include "../../src/front/hosts.h"
#include "../../src/front/linux.h"
#include "attacks.h"

enum refusal	__real_host_open(struct host *, const struct hostname *,
		    struct place *);
enum refusal	__wrap_host_open(struct host *, const struct hostname *,
		    struct place *);
void	__real_sandbox_enter_parent(const struct sandbox_keys *);
void	__wrap_sandbox_enter_parent(const struct sandbox_keys *);
int	__real_message_send(int, const void *, size_t, const int *, size_t);
int	__wrap_message_send(int, const void *, size_t, const int *, size_t);

/* By which message_send() knows what it sends. */
_Static_assert(sizeof(struct orders) != sizeof(struct intake), "sizes");

void	__real_timeouts_init(struct timeouts *, struct event_base *, int64_t,
	    void (*)(struct timeout *));
void	__wrap_timeouts_init(struct timeouts *, struct event_base *, int64_t,
	    void (*)(struct timeout *));

static int programs[8], hosts;
static int hands = -1;		/* the attack that a relay is to be told */

void
__wrap_timeouts_init(struct timeouts *list, struct event_base *base,
    int64_t limit, void (*expired)(struct timeout *))
{
	const int64_t minutes = 10 * 60 * 1000;

	__real_timeouts_init(list, base, limit < minutes ? limit : 2000,
	    expired);
}

void
__wrap_sandbox_enter_parent(const struct sandbox_keys *keys)
{
	hosts = keys->fixed;	/* main.c opens it first */
	memcpy(programs, keys->programs,
	    keys->nprograms * sizeof(programs[0]));
	__real_sandbox_enter_parent(keys);
}

static int
ask(const char *path, enum hosts_question question)
{
	return (int)syscall(SYS_openat2, hosts, path,
	    &hosts_questions[question], sizeof(hosts_questions[question]));
}

/* What the filter lets the parent execute is a number: whose file is it? */
static void
execute(void)
{
	static char *const nothing[] = { NULL };

	(void)syscall(SYS_execveat, programs[0], program_empty_path, nothing,
	    nothing, AT_EMPTY_PATH);
}

/* hosts/evil.example/program is what a tenant has put there. */
static void
swap_dup(void)
{
	int fd = ask("evil.example/program", HOSTS_ENTRY);

	(void)syscall(SYS_dup3, fd, programs[0], O_CLOEXEC);
	execute();
}

static void
swap_close(void)
{
	int fd;

	(void)syscall(SYS_close, programs[0]);
	fd = ask("evil.example/program", HOSTS_ENTRY);
	if (fd == programs[0])
		execute();
}

/* The neighbours of what is forbidden. */
static void
rights(void)
{
	int fd;

	fd = ask("evil.example", HOSTS_ENTRY);
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
	if (strncmp(name, "swap-dup.", 9) == 0)
		swap_dup();
	else if (strncmp(name, "swap-close.", 11) == 0)
		swap_close();
	else if (strncmp(name, "rights.", 7) == 0)
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
		hands = attack_number(HANDS, name->text + 6);
		return REFUSAL_UNKNOWN;
	}
	return __real_host_open(host, name, place);
}
