/* SPDX-License-Identifier: ISC */
#ifndef USHER_REFUSED_H
#define USHER_REFUSED_H

#include "backend.h"

/*
 * The line about a connection, or a request, that is refused: usherd(8),
 * DIAGNOSTICS.  name is NULL where none was read; found is what backend_open()
 * said, or NULL where the reason is none of a tenant's.  Counted, and sent to
 * the log process, which sees to it that a source that causes many lines takes
 * no other source's place in the log.
 */
void	refused_log(enum protocol protocol, const struct ends *ends,
	    const struct hostname *name, enum refusal refusal,
	    const struct found *found);

#endif
