/* SPDX-License-Identifier: ISC */
#ifndef USHER_UNIT_RESPONSES_H
#define USHER_UNIT_RESPONSES_H

/* The responses of test_response.c. */
#include "../../src/parser/response.h"

#define OK		"HTTP/1.1 200 OK\r\n"
#define CODED		OK "Transfer-Encoding: chunked\r\n\r\n"
#define FIVE		"Content-Length: 5\r\n"

static const struct response_to get = { false, false, false };
static const struct response_to head = { true, false, false };
static const struct response_to up = { false, true, false };
static const struct response_to old = { false, false, true };

/* Those that have an end, where the text ends. */
static const struct {
	const struct response_to *to;
	const char	*text;
	bool		 last;
} ends[] = {
	{ &get, OK FIVE "\r\nhello", false },
	{ &get, "HTTP/1.1 404 \r\n" FIVE "\r\nhello", false },
	{ &get, "HTTP/1.1 599 \x80\t !\r\ncontent-LENGTH:5  \r\n\r\nhello",
	    false },
	{ &get, OK "Content-Length: 0\r\n\r\n", false },
	{ &get, OK "Content-Length:   0005 \r\nX:\r\n\r\nhello", false },
	{ &get, OK "Content-Lengt: 9\r\nContent-Lengths: 9\r\n"
	    "XContent-Length: 9\r\n" FIVE "\r\nhello", false },
	{ &get, OK "!#$%&'*+-.^_`|~09azAZ: \x80\t \r\n" FIVE "\r\nhello",
	    false },
	{ &get, CODED "0\r\n\r\n", false },
	{ &get, CODED "5\r\nhello\r\n0\r\n\r\n", false },
	{ &get, OK "transfer-encoding:CHUNKED\r\n\r\n1\r\n\r\r\nA\r\n"
	    "0123456789\r\n000\r\n\r\n", false },
	{ &get, CODED "5;a\r\nhello\r\n0;b=c;d=\"e ;\\\"\\\\\x80\"\r\n\r\n",
	    false },
	{ &get, CODED "0000000000000001;a=\"\";b\r\n~\r\n0\r\n\r\n", false },
	{ &get, CODED "0\r\nA: b\r\nC:\r\n\r\n", true },
	{ &get, CODED "2\r\n\r\n\r\n0\r\n\r\n", false },
	{ &head, OK FIVE "\r\n", false },
	{ &head, OK "\r\n", false },
	{ &head, CODED, false },
	{ &head, OK "Content-Length: 9223372036854775807\r\n\r\n", false },
	{ &get, "HTTP/1.1 204 x\r\n\r\n", false },
	{ &get, "HTTP/1.1 204 x\r\n" FIVE "\r\n", false },
	{ &get, "HTTP/1.1 304 x\r\n" FIVE "\r\n", false },
	{ &get, "HTTP/1.1 304 x\r\nTransfer-Encoding: chunked\r\n\r\n", false },
	{ &get, "HTTP/1.1 100 Continue\r\n\r\n" OK FIVE "\r\nhello", false },
	{ &get, "HTTP/1.1 103 \r\nLink: x\r\nConnection: close\r\n\r\n"
	    "HTTP/1.1 100 \r\n\r\nHTTP/1.1 199 \r\n\r\n" CODED "0\r\n\r\n",
	    false },
	{ &up, "HTTP/1.1 426 x\r\n" FIVE "\r\nhello", false },
	/* Whether another may follow. */
	{ &get, OK "Connection: close\r\n" FIVE "\r\nhello", true },
	{ &get, OK "connection:CLOSE\r\n" FIVE "\r\nhello", true },
	{ &get, OK "Connection: keep-alive, close\r\n" FIVE "\r\nhello", true },
	{ &get, OK "Connection: , x,,close ,\r\nConnection: keep-alive\r\n"
	    FIVE "\r\nhello", true },
	{ &get, OK "Connection: closed, clos, xclose\r\n" FIVE "\r\nhello",
	    false },
	{ &get, OK "Connection:\r\n" FIVE "\r\nhello", false },
	{ &get, OK "Keep-Alive: x\r\nConnection: keep-alive\r\n" FIVE
	    "\r\nhello", false },
	{ &get, OK "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "0\r\nA: b\r\n\r\n", true },
	{ &get, "HTTP/1.0 200 OK\r\n" FIVE "\r\nhello", true },
	{ &get, "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n" FIVE
	    "\r\nhello", false },
	{ &get, "HTTP/1.0 200 OK\r\nConnection: Keep-Alive, close\r\n" FIVE
	    "\r\nhello", true },
	{ &old, OK FIVE "\r\nhello", true },
	{ &old, OK "Connection: keep-alive\r\n" FIVE "\r\nhello", false },
};

/*
 * Those that have left the grammar, or can be read in more ways than one: they
 * end where the first of all clients may see an end, with the text, and are
 * the last of their connections.
 */
#define TEXT(text)	text, sizeof(text) - 1
#define BOTH		OK "Transfer-Encoding: chunked\r\n"
#define CHUNKS		"5\r\nhello\r\n0\r\n\r\n"

static const struct {
	const struct response_to *to;
	const char	*text;
	size_t		 n;
} firsts[] = {
	/* Status lines. */
	{ &get, TEXT("HTTP/1.1 200\r\n" FIVE "\r\nhello") },
	{ &get, TEXT("HTTP/1.1 200 OK\n" FIVE "\r\nhello") },
	{ &get, TEXT("HTTP/1.1 200 \x7f\0\r\n" FIVE "\r\nhello") },
	{ &get, TEXT("HTTP/1.2 600 \r\n" FIVE "\r\nhello") },
	{ &get, TEXT("http/1.1\t  200 OK\r\n" FIVE "\r\nhello") },
	{ &get, TEXT("ICY 200 OK\r\n" FIVE "\r\nhello") },
	{ &get, TEXT("\r\n\n " OK FIVE "\r\nhello") },
	{ &get, TEXT("HTTP/1.1 204\r\n" FIVE "\r\n") },
	{ &get, TEXT("HTTP/1.1  304 x\r\n" FIVE "\r\n") },
	/* Not all read the same status: the head alone. */
	{ &get, TEXT("HTTP/1.1 20 OK\r\n" FIVE "\r\n") },
	{ &get, TEXT("HTTP/1.1 2000\r\n" FIVE "\r\n") },
	{ &get, TEXT("HTTP/1.1 0204 x\r\n" FIVE "\r\n") },
	{ &get, TEXT("HTTP/1.1 1000 x\r\n\r\n") },
	/* The end of the head. */
	{ &get, TEXT(OK FIVE "\nhello") },
	{ &get, TEXT("HTTP/1.1 200 OK\nContent-Length: 5\n\nhello") },
	{ &get, TEXT(OK FIVE "X: y\n\nhello") },
	{ &get, TEXT(OK FIVE "X: y\r\r\r\n\r\nhello") },
	{ &get, TEXT(OK FIVE "X: y\rZ: w\r\n\r\nhello") },
	{ &get, TEXT(OK FIVE "\r\r") }, { &get, TEXT(OK FIVE "\rX") },
	{ &get, TEXT(OK FIVE "X: y\n\rX") },
	/* Field lines. */
	{ &get, TEXT(OK FIVE "X\r\n\r\nhello") },
	{ &get, TEXT(OK ": y\r\n" FIVE "\r\nhello") },
	{ &get, TEXT(OK "X: \0\r\n" FIVE "\r\nhello") },
	{ &get, TEXT(OK "\0: \x80\r\n" FIVE "\r\nhello") },
	{ &get, TEXT(OK FIVE "X: y\r\n \r\n\r\nhello") },
	{ &head, TEXT(OK "X \r\n" FIVE "\r\n") },
	{ &head, TEXT(OK "X \r\n\r\n") },
	{ &get, TEXT("HTTP/1.1 304 \r\nX\r\n\r\n") },
	/* Content-Length. */
	{ &get, TEXT(OK "Content-Length : 5\r\n\r\nhello") },
	{ &get, TEXT(OK " content-length\t: 5\r\n\r\nhello") },
	{ &get, TEXT(OK "Content-\0Length\x80: 5\r\n\r\nhello") },
	{ &get, TEXT(OK "Content-Length:\t5\r\n\r\nhello") },
	{ &get, TEXT(OK "Content-Length: +5\r\n\r\nhello") },
	{ &get, TEXT(OK "Content-Length: --\x0b" "5;\r\n\r\nhello") },
	{ &get, TEXT(OK "Content-Length: 5x1\r\n\r\nhello") },
	{ &get, TEXT(OK "Content-Length: 5.1\r\n\r\nhello") },
	{ &get, TEXT(OK "Content-Length: 0x10\r\n\r\n") },
	{ &get, TEXT(OK "Content-Length: x1, 5\r\n\r\nhello") },
	{ &get, TEXT(OK "Content-Length: 5, 6\r\n\r\nhello") },
	{ &get, TEXT(OK "Content-Length: 6,5\r\n\r\nhello") },
	{ &get, TEXT(OK "Content-Length: 6 \"5\"\r\n\r\nhello") },
	{ &get, TEXT(OK "Content-Length: 12\r\n 5\r\n\r\nhello") },
	{ &get, TEXT(OK "Content-Length:\r\n\t\r\n 5\r\n\r\nhello") },
	{ &get, TEXT(OK "Content-Length:\r5\r\n\r\nhello") },
	{ &get, TEXT(OK "Content-Length: 6\r\nX\r\n 5\r\n\r\nhello!") },
	{ &get, TEXT(OK FIVE "Content-Length: 5\r\n\r\nhello") },
	{ &get, TEXT(OK FIVE "Content-Length: 6\r\n\r\nhello") },
	{ &get, TEXT(OK "Content-Length: 6\r\n" FIVE "\r\nhello") },
	{ &get, TEXT(OK "Content-Length: 6\r\n X\r\n " FIVE "\r\nhello") },
	{ &get, TEXT(OK FIVE "Content-Length:\r\n\r\nhello") },
	{ &get, TEXT(OK FIVE "Content-Length: x\r\n\r\nhello") },
	{ &get, TEXT(OK "X: y\n" FIVE "\r\nhello") },
	{ &get, TEXT(OK "X: y\r" FIVE "\r\nhello") },
	{ &get, TEXT(OK "X: y\r\n " FIVE "\r\nhello") },
	{ &get, TEXT(OK FIVE "Content-Length: 9223372036854775808\r\n\r\n"
	    "hello") },
	{ &get, TEXT(OK FIVE "Content-Length: 18446744073709551617\r\n\r\n"
	    "hello") },
	{ &get, TEXT(OK FIVE "Transfer-Encoding: gzip\r\n\r\nhello") },
	/* Chunks. */
	{ &get, TEXT(OK "Transfer-Encoding : chunked\r\n\r\n" CHUNKS) },
	{ &get, TEXT(OK "Transfer-Encoding: gzip, CHUNKED\r\n\r\n" CHUNKS) },
	{ &get, TEXT(OK "Transfer-Encoding: xchchunkedx\r\n\r\n" CHUNKS) },
	{ &get, TEXT(OK "Transfer-Encoding: x\r\n chunked\r\n\r\n" CHUNKS) },
	{ &get, TEXT(BOTH "Transfer-Encoding: chunked\r\n\r\n" CHUNKS) },
	{ &get, TEXT(BOTH "Transfer-Encoding: x\r\n\r\n" CHUNKS) },
	{ &get, TEXT("HTTP/1.0 200 \r\nTransfer-Encoding: chunked\r\n\r\n"
	    CHUNKS) },
	{ &get, TEXT("HTTP/1.0 200 \r\nTransfer-Encoding: chunked\r\n"
	    "Connection: keep-alive\r\n\r\n" CHUNKS) },
	{ &old, TEXT(BOTH "Connection: keep-alive\r\n\r\n" CHUNKS) },
	{ &get, TEXT(CODED "5 \t;a \r\nhello\r\n0 \r\n\r\n") },
	{ &get, TEXT(CODED "5\nhello\n0\n\n") },
	{ &get, TEXT(CODED "5 \nhello\r\n0\r\n\n") },
	{ &get, TEXT(CODED "00000000000000005\r\nhello\r\n0\r\n\r\n") },
	{ &get, TEXT(CODED "5; a = \"\0;;\r\nhello\r\n0;=\r\n\r\n") },
	{ &get, TEXT(CODED "5;a=\"\"b\r\nhello\r\n0\r\n\r\n") },
	{ &get, TEXT(CODED "0\r\nX\r\nContent-Length: 9\r\n\r\n") },
	{ &get, TEXT(CODED "0\r\n X: y\n\n") },
	{ &get, TEXT(CODED "0\r\nX: y\r\r\n\r\n") },
	/* Where nobody goes on, or one elsewhere than another. */
	{ &get, TEXT(CODED "\r") }, { &get, TEXT(CODED ";") },
	{ &get, TEXT(CODED "g") }, { &get, TEXT(CODED " ") },
	{ &get, TEXT(CODED "0x") }, { &get, TEXT(CODED "5 6") },
	{ &get, TEXT(CODED "5\rh") }, { &get, TEXT(CODED "5\0") },
	{ &get, TEXT(CODED "8000000000000000") },
	{ &get, TEXT(CODED "00000000000000008000000000000000") },
	{ &get, TEXT(CODED "fffffffffffffff0") },
	{ &get, TEXT(CODED "5;a\n") }, { &get, TEXT(CODED "5;a=\"\n") },
	{ &get, TEXT(CODED "5;a\rb") }, { &get, TEXT(CODED "5;a=b\n") },
	{ &get, TEXT(CODED "5\r\nhello0") },
	{ &get, TEXT(CODED "5\r\nhello\r\r") },
	{ &get, TEXT(CODED "5\r\nhello\r\n\r") },
	{ &get, TEXT(CODED "0\r\n\r\r") }, { &get, TEXT(CODED "0\r\n\rX") },
	{ &get, TEXT(CODED "0\r\n\n") },
	/* Both. */
	{ &get, TEXT(BOTH "Content-Length: 99\r\n\r\n" CHUNKS) },
	{ &get, TEXT(BOTH "Content-Length: 15\r\n\r\n" CHUNKS) },
	{ &get, TEXT(BOTH "Content-Length: 14\r\n\r\n5\r\nhello\r\n0\r\n\r") },
	{ &get, TEXT(BOTH FIVE "\r\n5\r\nhe") },
	{ &get, TEXT(BOTH "Content-Length: 3\r\n\r\n5\r\n") },
	{ &get, TEXT(BOTH "Content-Length: 2\r\n\r\n5\r") },
	{ &get, TEXT(BOTH "Content-Length: 0\r\n\r\n") },
	{ &get, TEXT(BOTH "Content-Length: 9\r\n\r\nh") },
	{ &head, TEXT(BOTH FIVE "\r\n") },
	{ &head, TEXT("HTTP/1.0 200 x\r\nTransfer-Encoding: chunked\r\n\r\n") },
	{ &get, TEXT("HTTP/1.1 304 x\r\nTransfer-Encoding: chunked\r\n" FIVE
	    "\r\n") },
	/* Interim. */
	{ &get, TEXT("HTTP/1.0 100 x\r\n\r\n" OK FIVE "\r\nhello") },
	{ &old, TEXT("HTTP/1.1 100 x\r\n\r\n" OK FIVE "\r\nhello") },
	{ &get, TEXT("HTTP/1.1 100\r\n\r\n" OK FIVE "\r\nhello") },
	{ &get, TEXT("HTTP/1.1 103 x\nX\n\n" CODED CHUNKS) },
	{ &get, TEXT("HTTP/1.1  100 x\r\n\r\nHTTP/1.1 204 x\r\n\r\n") },
	{ &get, TEXT("HTTP/1.1 100 x\r\n\r\n\r\n" OK FIVE "\r\nhello") },
	{ &get, TEXT("HTTP/1.1 101 x\r\n" FIVE "\r\n") },
	{ &get, TEXT("HTTP/1.1 101 x\r\n\r\n") },
	{ &get, TEXT("HTTP/1.1 100 x\r\n\r\nHTTP/1.1 101 x\r\n\r\n") },
	{ &head, TEXT("HTTP/1.1 101 x\r\n\r\n") },
};

/*
 * Those in which nobody sees one, which is known with the last byte of the
 * text and not before.
 */
static const struct {
	const struct response_to *to;
	const char	*text;
	size_t		 n;
} lasts[] = {
	/* No heads. */
	{ &get, TEXT("<") }, { &get, TEXT("\r\n 5") }, { &get, TEXT("\0") },
	{ &get, TEXT("\x80") },
	{ &get, TEXT("HTTP/1.1\r") }, { &get, TEXT("HTTP/1.1\n") },
	{ &get, TEXT("HTTP/1.1 \r") }, { &get, TEXT("HTTP/1.1 O") },
	{ &get, TEXT("HTTP/1.1 -") }, { &get, TEXT("hello w") },
	{ &get, TEXT("HTTP/1.1000000000x") },
	{ &get, TEXT("HTTP/1.1 100 x\r\n\r\n<") },
	/* No length. */
	{ &get, TEXT(OK "\r\n") }, { &get, TEXT(OK "X: y\r\n\r\n") },
	{ &get, TEXT("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n") },
	{ &get, TEXT("HTTP/1.1 200\n\n") }, { &get, TEXT(OK "X\r\n\n") },
	{ &get, TEXT(OK "X: y\r\n " "Z: 5\r\n\r\n") },
	{ &get, TEXT(OK "Content-Length:\r\n\r\n") },
	{ &get, TEXT(OK "Content-Length: x5, -\r\n\r\n") },
	{ &get, TEXT(OK "Content-Length: 9223372036854775808\r\n\r\n") },
	{ &get, TEXT(OK "Content-Length: 100000000000000000001\r\n\r\n") },
	{ &get, TEXT(OK "Content_Length: 5\r\nX\r\n\r\n") },
	{ &get, TEXT(OK "Content-Length 5\r\n\r\n") },
	{ &get, TEXT(OK "X Content-Length: 5\r\n\r\n") },
	{ &get, TEXT(OK "Transfer-Encoding:\r\n\r\n") },
	{ &get, TEXT(OK "Transfer-Encoding: gzip\r\n\r\n") },
	{ &get, TEXT(OK "Transfer-Encoding: chunke\r\nd\r\n\r\n") },
	{ &get, TEXT(OK "X: y\r\nConnection: a b\r\n\r\n") },
	/* Interim. */
	{ &get, TEXT("HTTP/1.1 100 x\r\n" FIVE "\r\n") },
	{ &get, TEXT("HTTP/1.1 100 x\r\nContent-Length: 0\r\n\r\n") },
	{ &get, TEXT("HTTP/1.1 100 x\nContent-Length : 0\n\n") },
	{ &get, TEXT("HTTP/1.1 103 x\r\nTransfer-Encoding: chunked\r\n\r\n") },
	{ &head, TEXT("HTTP/1.1 103 x\r\n\r\n") },
};

#endif
