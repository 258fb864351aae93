/* SPDX-License-Identifier: ISC */
/*
 * A usherd-tls that can be told to misbehave, for tests only.  Linked with the
 * objects of usherd-tls and -Wl,--wrap=tls_look: misled.h.
 */
#include <sys/socket.h>

#include <string.h>

#include "../../src/parser/lowat.h"
#include "../../src/parser/tls.h"
#include "calls.h"
#include "attacks.h"
#include "misled.h"

enum tls_look	__real_tls_look(const uint8_t *, size_t, struct verdict *,
		    size_t *);
enum tls_look	__wrap_tls_look(const uint8_t *, size_t, struct verdict *,
		    size_t *);

/* What it may beside the other parser. */
static void
rights(void)
{
	(void)setsockopt(CHILD_CLIENT, SOL_SOCKET, SO_RCVLOWAT,
	    &lowat_steps[0], sizeof(lowat_steps[0]));
}

enum tls_look
__wrap_tls_look(const uint8_t *bytes, size_t n, struct verdict *verdict,
    size_t *missing)
{
	enum tls_look look;

	look = __real_tls_look(bytes, n, verdict, missing);
	if (look == TLS_VERDICT && verdict->code == VERDICT_NAMED &&
	    strncmp(verdict->name.text, "eyes-", 5) == 0) {
		if (strncmp(verdict->name.text + 5, "rights.", 7) == 0)
			rights();
		parser_misled(EYES | EYES_ALONE, verdict->name.text + 5);
	}
	return look;
}
