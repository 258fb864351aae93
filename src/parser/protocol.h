/* SPDX-License-Identifier: ISC */
#ifndef USHER_PROTOCOL_H
#define USHER_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../common/message.h"
#include "chunks.h"

/*
 * The one thing in which the two parsers differ: tls.c or http.c stands
 * behind this, by what is linked.
 */

/* How many bytes of a connection are looked at, at most. */
extern const size_t protocol_window;

/* engine is the argument of -e, or NULL.  Gives -1 when there is none such. */
int	protocol_engine(const char *engine);

enum look {
	LOOK_NOTHING,		/* nothing that counts so far */
	LOOK_WAIT,		/* *missing bytes, 1 or more, must still come */
	LOOK_VERDICT		/* verdict says it, all but the id */
};

/* What is remembered of a connection between two looks; zeroed at first. */
struct protocol_state {
	struct chunks	chunks;		/* http.c: of a chunked body */
	bool		partial;	/* http.c: in the middle of one */
	bool		last;		/* http.c: and nothing comes after */
};

/*
 * bytes: the n bytes, 1 or more, that the client has sent beyond what has
 * been granted so far.
 */
enum look protocol_look(struct protocol_state *state, const uint8_t *bytes,
    size_t n, struct verdict *verdict, size_t *missing);

#endif
