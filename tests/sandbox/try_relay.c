/* SPDX-License-Identifier: ISC */
/*
 * A relay that can be told to misbehave, for tests only.  Linked with the
 * objects of usherd-relay and -Wl,--wrap=answer_find.
 *
 * It sees no names, so the reason for which it is to refuse a client says what
 * to do.  A relay is either for TLS or for HTTP:
 *
 *	attack	 0 to 20	TLS, reason 1 to 21
 *	attack	21 to 41	HTTP, reason 1 to 21
 *
 * in the order of the table in attacks.c.  The last reason, REFUSAL_PARSER, is
 * left as shipped, because the tests of the parsers come by it.  An attack
 * that is not a relay's leaves it as shipped too.
 */
#include "../../src/common/refusal.h"
#include "../../src/relay/relay.h"
#include "attacks.h"

const void	*__real_answer_find(enum protocol, unsigned int, size_t *);
const void	*__wrap_answer_find(enum protocol, unsigned int, size_t *);

const void *
__wrap_answer_find(enum protocol protocol, unsigned int refusal, size_t *size)
{
	size_t number = refusal - 1;

	if (protocol == PROTOCOL_HTTP)
		number += REFUSAL_PARSER - 1;
	if (refusal != REFUSAL_PARSER)
		attack_by_number(HANDS, number);
	return __real_answer_find(protocol, refusal, size);
}
