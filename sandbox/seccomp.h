/* SPDX-License-Identifier: ISC */
#ifndef USHER_SECCOMP_H
#define USHER_SECCOMP_H

#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Linux: what the files of the seccomp sandbox share.  Not for others.
 *
 * A rule allows one system call where all its conditions on arguments hold;
 * several rules for one call are alternatives; everything else kills.
 */
enum { RULE_CONDITIONS_MAX = 4 };

struct rule {
	int			 call;
	unsigned int		 conditions;
	struct scmp_arg_cmp	 condition[RULE_CONDITIONS_MAX];
};

/*
 * Argument n of the call, counted from 0, as an unsigned 64-bit value: EQ, LT
 * or LE.  Of a descriptor the kernel uses the lower 32 bits only.  What is
 * equal to, or below, a small number has no upper half, so nothing is lost;
 * but "from 8 on" would let through 2^32 + 3, which is descriptor 3: never
 * GE, GT or NE.  "From 8 on" is a rule of seccomp_forbid(), with BELOW().
 */
#define ARG(n, compare, value)	{ n, SCMP_CMP_##compare, value, 0 }

/* The lower 32 bits of argument n, where mask has bits, are those of value. */
#define MASKED(n, mask, value)	{ n, SCMP_CMP_MASKED_EQ, mask, value }
/* As a descriptor, argument n is below a power of two. */
#define BELOW(n, power)							\
	MASKED(n, UINT32_MAX & ~((scmp_datum_t)(power) - 1), 0)
/* The call that this architecture's C libraries make for an old one. */
#define EITHER(old, new)						\
	(SCMP_SYS(old) >= 0 ? SCMP_SYS(old) : SCMP_SYS(new))

#define ALLOW(name)		{ SCMP_SYS(name), 0, { { 0, SCMP_CMP_EQ, 0, 0 } } }
#define ALLOW_IF(name, n, ...)	{ SCMP_SYS(name), n, { __VA_ARGS__ } }
#define FORBID_IF(name, n, ...)	{ SCMP_SYS(name), n, { __VA_ARGS__ } }

#define RULES(table)		(table), sizeof(table) / sizeof((table)[0])

scmp_filter_ctx seccomp_begin(void);
void	seccomp_allow(scmp_filter_ctx filter, const struct rule *rules,
	    size_t n);
void	seccomp_enforce(scmp_filter_ctx filter);

/*
 * What no rule can leave out, because there is one condition for an argument
 * in a rule: a filter of its own that kills where all conditions of one of
 * these rules hold, and allows everything else.  Both filters are asked.
 * Enforced at once: it comes before the other, which lets nobody add one.
 */
void	seccomp_forbid(const struct rule *rules, size_t n);

/* What libc, libevent's loop and message.c need in every role. */
void	seccomp_allow_base(scmp_filter_ctx filter);
/* close(2) of descriptors from 2^first_bit on, no others. */
void	seccomp_allow_close(scmp_filter_ctx filter, unsigned int first_bit);

/* What a parser of this protocol needs beyond what all do: seccomp_tls.c or
 * seccomp_http.c, by what is linked. */
void	seccomp_allow_protocol(scmp_filter_ctx filter);

/* CHILD_FIRST_CLIENT is 2 to the power of this. */
enum { CHILD_CLOSE_BIT = 4 };

/*
 * What the C library of this build needs beyond that in every role: nothing
 * in the programs that are shipped (loader_static.c); a sanitizer build links
 * loader_dynamic.c in its place.
 */
void	seccomp_allow_runtime(scmp_filter_ctx filter);

#endif
