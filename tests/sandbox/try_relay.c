/* SPDX-License-Identifier: ISC */
/*
 * A relay that can be told to misbehave, for tests only.  Linked with the
 * objects of usherd-relay and -Wl,--wrap= of message_take, read and
 * answers_list.
 *
 * It sees no names, so the order to refuse a client says what to do: see
 * order_of_attack() in attacks.h.  What lies it tells: try_report.c.
 */
#include "../../src/child/message_take.h"
#include "../../src/relay/answer.h"
#include "attacks.h"
#include "calls.h"
#include "lies.h"

enum message_result __real_message_take(int, void *, size_t, int *, size_t,
	    size_t *);
enum message_result __wrap_message_take(int, void *, size_t, int *, size_t,
	    size_t *);

size_t	__real_answers_list(enum protocol, struct sandbox_constant *);
size_t	__wrap_answers_list(enum protocol, struct sandbox_constant *);

/* Called once by main(), before its filter; and by attacks. */
size_t
__wrap_answers_list(enum protocol protocol, struct sandbox_constant *list)
{
	static int known;

	if (!known)
		try_protocol = protocol;
	known = 1;
	return __real_answers_list(protocol, list);
}

enum message_result
__wrap_message_take(int fd, void *record, size_t size, int *fds, size_t max,
    size_t *nfds)
{
	enum message_result	 result;
	struct orders		*orders = record;
	size_t			 i;

	result = __real_message_take(fd, record, size, fds, max, nfds);
	if (result != MESSAGE_TAKEN || size != sizeof(*orders))
		return result;
	for (i = 0; i < ORDER_BATCH; i++)
		attack_of_order(&orders->order[i]);
	lies_of_orders(orders, fds);
	return result;
}
