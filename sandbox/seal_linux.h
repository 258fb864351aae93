/* SPDX-License-Identifier: ISC */
#ifndef USHER_SEAL_LINUX_H
#define USHER_SEAL_LINUX_H

/* Linux: does the kernel have mseal(2)? */
int	seal_known(void);

#endif
