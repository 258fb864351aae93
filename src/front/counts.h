/* SPDX-License-Identifier: ISC */
#ifndef USHER_COUNTS_H
#define USHER_COUNTS_H

#include "../common/message.h"
#include "../common/refusal.h"

/*
 * What has happened since the start, for whoever sends SIGUSR1.
 */
enum count {
	COUNT_ACCEPTED,		/* connections taken in */
	COUNT_RELAYED,		/* given to a relay with a tenant */
	COUNT_HANDED_OFF,	/* given to a tenant */
	COUNT_LEFT,		/* gone before they had said a name */
	COUNTS
};

void	count(enum protocol protocol, enum count what);
/* A connection, or a request on one. */
void	count_refused(enum protocol protocol, enum refusal refusal);
/* A process has been replaced, for whatever reason. */
void	count_replaced(void);

/* Writes all of it to the log. */
void	counts_log(void);

#endif
