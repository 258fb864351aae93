/* SPDX-License-Identifier: ISC */
#include "guard.h"

void
guard_take(struct guard *guard)
{
	sigset_t	all, before;
	int		cancel;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	(void)pthread_mutex_lock(&guard->mutex);  /* valid, and not ours yet */
	guard->signals = before;
	guard->cancel = cancel;
}

void
guard_release(struct guard *guard)
{
	const sigset_t	before = guard->signals;
	const int	cancel = guard->cancel;
	int		disabled;

	(void)pthread_mutex_unlock(&guard->mutex);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_setcancelstate(cancel, &disabled);
}
