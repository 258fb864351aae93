/* SPDX-License-Identifier: ISC */
/*
 * What a relay may be told: which values are legal in which field of which
 * order.  Pure.  A TLS connection is the relay's alone once it has it, so a
 * relay for TLS knows of no ids and no later word.
 *
 *		fields that may be other than 0
 * RELAY	HTTP: id, and it is not 0
 * REFUSE	refusal, which is not 0; HTTP: head
 * NEXT		HTTP only: id, and it is not 0
 * END		HTTP only: id and refusal, and neither is 0; head
 */
#include "../common/refusal.h"
#include "order.h"

enum field {
	ID = 1 << 0,
	HEAD = 1 << 1,
	REFUSAL = 1 << 2
};

/* Nothing stands in the fields that are not named, and something in each of
 * those that are; of head, which is a bit, anything. */
static bool
only(const struct order *order, unsigned int fields)
{
	return order->zero == 0 &&
	    (order->id != 0) == ((fields & ID) != 0) &&
	    order->head <= ((fields & HEAD) != 0) &&
	    ((fields & REFUSAL) != 0 ?
	    refusal_answer(order->refusal) != NULL :
	    order->refusal == REFUSAL_NONE);
}

bool
order_allowed(const struct order *order, enum protocol protocol)
{
	const bool http = protocol == PROTOCOL_HTTP;

	switch ((enum order_kind)order->kind) {
	case ORDER_NONE:
	case ORDER_PING:
		return only(order, 0);
	case ORDER_RELAY:
		return only(order, http ? ID : 0);
	case ORDER_REFUSE:
		return only(order, http ? REFUSAL | HEAD : REFUSAL);
	case ORDER_NEXT:
		return http && only(order, ID);
	case ORDER_END:
		return http && only(order, ID | REFUSAL | HEAD);
	}
	return false;
}

size_t
order_descriptors(const struct order *order)
{
	switch ((enum order_kind)order->kind) {
	case ORDER_NONE:
	case ORDER_PING:
	case ORDER_END:
		break;
	case ORDER_REFUSE:
	case ORDER_NEXT:
		return 1;
	case ORDER_RELAY:
		return 2;
	}
	return 0;
}
