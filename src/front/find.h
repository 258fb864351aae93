/* SPDX-License-Identifier: ISC */
#ifndef USHER_FIND_H
#define USHER_FIND_H

#include "connection.h"

/*
 * Where a connection's present request goes, without the loop ever waiting for
 * it.  Gives true with what backend_open() gives; or false when a thread has
 * been asked: then it is to be called again when that has answered, or for too
 * long has not.
 * REFUSAL_RACE where a thread could not be asked, or takes too long; then
 * connection->tries says that there is no further try.
 */
bool	find(struct connection *connection, enum refusal *refusal,
	    struct found *found);

/* The connection does not want to know any more. */
void	find_drop(struct connection *connection);

#endif
