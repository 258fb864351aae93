/* SPDX-License-Identifier: ISC */
#ifndef USHER_REQUEST_H
#define USHER_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../common/hostname.h"

/*
 * An HTTP/1.1 request head, read strictly (RFC 9112), and the length of the
 * message that it begins.  Pure: no memory, no errno, no system call, no
 * changing statics.
 */
enum {
	REQUEST_HEAD_MAX = 32 * 1024,	/* bytes, empty lines before the
					 * request line included */
	REQUEST_FIELDS_MAX = 100
};

enum request_state {
	REQUEST_WHOLE,		/* the head is there to its last byte, legal */
	REQUEST_PART,		/* legal so far, more must come */
	REQUEST_BAD,		/* 400: breaks RFC 9112 or is ambiguous */
	REQUEST_CONNECT,	/* 405: method CONNECT */
	REQUEST_TOO_LARGE,	/* 431: head or number of fields over bound */
	REQUEST_CODING,		/* 501: a transfer coding other than chunked */
	REQUEST_VERSION		/* 505: HTTP/2 preface, any major but 1 */
};

enum request_target {
	TARGET_NAMED,		/* Host is a legal host name */
	TARGET_NAMELESS,	/* Host is empty or an IP address, or HTTP/1.0
				 * without Host */
	TARGET_BAD_NAME		/* legal by RFC 3986, no host name for us
				 * (underscore, label over 63 bytes, ...) */
};

enum request_body {
	BODY_NONE,		/* the message is the head alone */
	BODY_LENGTH,		/* length bytes follow the head */
	BODY_CHUNKED		/* chunks follow: chunks.h */
};

struct request {
	enum request_target	target;
	struct hostname		name;	/* TARGET_NAMED: the name */
	enum hostname_fault	fault;	/* TARGET_BAD_NAME: what is wrong */
	size_t			size;	/* bytes of the head, CRLF before the
					 * request line and the empty line at
					 * its end included */
	enum request_body	body;
	uint64_t		length;	/* BODY_LENGTH: 1 to 2^63 - 1 */
	bool			last;	/* no request may follow: HTTP/1.0
					 * without keep-alive, or
					 * Connection: close */
	bool			http10;	/* HTTP/1.0 */
	bool			head;	/* method HEAD: its response ends with
					 * the head */
	bool			upgrade; /* another protocol is asked for,
					 * which begins if the answer is 101 */
	bool			expect;	/* Expect: 100-continue: the body may
					 * wait for an answer */
};

/*
 * bytes: what the client has sent so far, from the start of the request, n of
 * them.  request is set when the state is REQUEST_WHOLE, all zero otherwise.
 * An error is told as soon as its bytes are there.
 */
enum request_state request_parse(const uint8_t *bytes, size_t n,
    struct request *request);

#endif
