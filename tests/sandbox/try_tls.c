/* SPDX-License-Identifier: ISC */
/*
 * A usherd-tls that can be told to misbehave, for tests only.  Linked with the
 * objects of usherd-tls and -Wl,--wrap=tls_look: misled.h.
 */
#include <string.h>

#include "../../src/parser/tls.h"
#include "attacks.h"
#include "misled.h"

enum tls_look	__real_tls_look(const uint8_t *, size_t, struct verdict *,
		    size_t *);
enum tls_look	__wrap_tls_look(const uint8_t *, size_t, struct verdict *,
		    size_t *);

enum tls_look
__wrap_tls_look(const uint8_t *bytes, size_t n, struct verdict *verdict,
    size_t *missing)
{
	enum tls_look look;

	look = __real_tls_look(bytes, n, verdict, missing);
	if (look == TLS_VERDICT && verdict->code == VERDICT_NAMED &&
	    strncmp(verdict->name.text, "eyes-", 5) == 0)
		parser_misled(EYES | EYES_ALONE, verdict->name.text + 5);
	return look;
}
