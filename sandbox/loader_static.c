/* SPDX-License-Identifier: ISC */
/*
 * Linux, as shipped: the children are static programs.  Nothing is opened or
 * mapped executable when one starts, so the parent, under whose filter they
 * start, needs no such right.
 */
#include "seccomp.h"

const char seccomp_loader_name[] = "static children";

void
seccomp_allow_runtime(scmp_filter_ctx filter)
{
	(void)filter;	/* nothing: that is the point */
}

void
seccomp_allow_children(scmp_filter_ctx filter)
{
	(void)filter;	/* nothing: that is the point */
}
