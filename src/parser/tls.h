/* SPDX-License-Identifier: ISC */
#ifndef USHER_TLS_H
#define USHER_TLS_H

#include <stddef.h>
#include <stdint.h>

#include "../common/message.h"

/*
 * What a TLS client's first flight asks for: the name is the server_name of
 * the ClientHello.
 */

/* engine is the argument of -e, or NULL.  Gives -1 when there is none such. */
int	tls_engine(const char *engine);

enum tls_look {
	TLS_WAIT,		/* *missing bytes, 1 or more, must still come */
	TLS_VERDICT		/* verdict says it, all but the id */
};

/* bytes: the n bytes, 1 or more, that the client has sent so far; verdict is
 * all zero. */
enum tls_look tls_look(const uint8_t *bytes, size_t n, struct verdict *verdict,
    size_t *missing);

#endif
