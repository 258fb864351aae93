/* SPDX-License-Identifier: ISC */
#ifndef USHER_PROTOCOL_H
#define USHER_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>

#include "../common/message.h"

/*
 * The one thing in which the two parsers differ: tls.c or http.c stands
 * behind this, by what is linked.
 */

/* How many bytes of a connection are looked at, at most. */
extern const size_t protocol_window;

/* engine is the argument of -e, or NULL.  Gives -1 when there is none such. */
int	protocol_engine(const char *engine);

enum look {
	LOOK_WAIT,		/* *missing bytes, 1 or more, must still come */
	LOOK_VERDICT		/* verdict says it, all but the id */
};

/* bytes: the first n bytes that the client has sent, 1 or more. */
enum look protocol_look(const uint8_t *bytes, size_t n,
    struct verdict *verdict, size_t *missing);

#endif
