/* SPDX-License-Identifier: ISC */
#ifndef USHER_HELLO_BEARSSL_H
#define USHER_HELLO_BEARSSL_H

#include "hello.h"

/*
 * The same question as hello_cursor()'s, asked of BearSSL's parser.  It makes
 * no system call; it uses a static engine context.  Its limits are BearSSL's:
 * acme is true when acme-tls/1 is offered and none of the other protocols that
 * have a registered name.
 */
enum hello_kind	hello_bearssl(const uint8_t *bytes, size_t n,
    struct hello *hello);

#endif
