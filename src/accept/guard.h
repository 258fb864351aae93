/* SPDX-License-Identifier: ISC */
#ifndef USHER_GUARD_H
#define USHER_GUARD_H

/*
 * A lock in functions that may be called from signal handlers and by threads
 * that are being cancelled (POSIX.1-2008, 2.4.3 and 2.9.5: bind, getsockopt
 * and setsockopt are safe in the first and no cancellation points).  While it
 * is held, this thread gets no signal and is not cancelled.  Guards are
 * released in the reverse order.
 */
#include <pthread.h>
#include <signal.h>

struct guard {
	pthread_mutex_t	mutex;
	sigset_t	signals;	/* the holder's, before */
	int		cancel;
};

#define GUARD_FREE { .mutex = PTHREAD_MUTEX_INITIALIZER }

void	guard_take(struct guard *guard);
void	guard_release(struct guard *guard);

#endif
