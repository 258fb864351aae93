/* SPDX-License-Identifier: ISC */
/*
 * What a relay may be told: which values are legal in which field of which
 * order.  Pure.  A TLS connection is granted as a whole at its beginning, so
 * a relay for TLS knows of no ids and no later word.
 *
 *		fields that may be other than 0
 * RELAY	grant; for HTTP id (0: nothing more will be said), partial
 * REFUSE	refusal
 * GRANT	id, grant, partial, last
 * NEXT		id, grant, partial, last, patient
 * END		id, last, patient, refusal
 *
 * A grant is not 0; one without a limit, and none that is partial, is the
 * last word.
 */
#include <string.h>

#include "../common/refusal.h"
#include "order.h"

enum field {
	ID = 1 << 0,
	GRANTED = 1 << 1,	/* and partial with it */
	LAST = 1 << 2,
	PATIENT = 1 << 3,
	REFUSAL = 1 << 4
};

/* Nothing stands in the fields that are not named. */
static bool
only(const struct order *order, unsigned int fields)
{
	static const uint8_t zeros[sizeof(order->zeros)];

	return memcmp(order->zeros, zeros, sizeof(zeros)) == 0 &&
	    order->partial <= ((fields & GRANTED) != 0) &&
	    order->last <= ((fields & LAST) != 0) &&
	    order->patient <= ((fields & PATIENT) != 0) &&
	    ((fields & ID) != 0 || order->id == 0) &&
	    ((fields & GRANTED) != 0 || order->grant == 0) &&
	    ((fields & REFUSAL) != 0 || order->refusal == REFUSAL_NONE);
}

/* followed: will more be said? */
static bool
grant_allowed(const struct order *order, bool followed)
{
	if (order->grant == 0 || (order->partial == 1 && !followed))
		return false;
	return order->grant != GRANT_UNLIMITED || !followed;
}

bool
order_allowed(const struct order *order, enum protocol protocol)
{
	const bool	http = protocol == PROTOCOL_HTTP;
	const bool	known = refusal_answer(order->refusal) != NULL;
	const bool	followed = order->last == 0;

	switch ((enum order_kind)order->kind) {
	case ORDER_NONE:
	case ORDER_PING:
		return only(order, 0);
	case ORDER_RELAY:
		return only(order, http ? ID | GRANTED : GRANTED) &&
		    (http || order->grant == GRANT_UNLIMITED) &&
		    grant_allowed(order, order->id != 0);
	case ORDER_REFUSE:
		return only(order, REFUSAL) && known;
	case ORDER_GRANT:
		return http && only(order, ID | GRANTED | LAST) &&
		    order->id != 0 && grant_allowed(order, followed);
	case ORDER_NEXT:
		return http && only(order, ID | GRANTED | LAST | PATIENT) &&
		    order->id != 0 && grant_allowed(order, followed);
	case ORDER_END:
		return http && only(order, ID | LAST | PATIENT | REFUSAL) &&
		    order->id != 0 && !followed &&
		    (order->refusal == REFUSAL_NONE || known);
	}
	return false;
}
