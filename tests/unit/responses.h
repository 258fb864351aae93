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
 * Those that have none, which is known with the last byte of the text and not
 * before.
 */
#define TEXT(text)	text, sizeof(text) - 1

static const struct {
	const struct response_to *to;
	const char	*text;
	size_t		 n;
} lasts[] = {
	/* Status lines. */
	{ &get, TEXT("\r") }, { &get, TEXT("\n") }, { &get, TEXT("h") },
	{ &get, TEXT("<") }, { &get, TEXT(" ") }, { &get, TEXT("\0") },
	{ &get, TEXT("HTTP/0") }, { &get, TEXT("HTTP/2") },
	{ &get, TEXT("HTTP/1.2") }, { &get, TEXT("HTTP/1.10") },
	{ &get, TEXT("HTTP/1.1\t") }, { &get, TEXT("HTTP/1.1 0") },
	{ &get, TEXT("HTTP/1.1 6") }, { &get, TEXT("HTTP/1.1  ") },
	{ &get, TEXT("HTTP/1.1 20 ") }, { &get, TEXT("HTTP/1.1 2000") },
	{ &get, TEXT("HTTP/1.1 200\r") }, { &get, TEXT("HTTP/1.1 200\t") },
	{ &get, TEXT("HTTP/1.1 200 \n") }, { &get, TEXT("HTTP/1.1 200 \0") },
	{ &get, TEXT("HTTP/1.1 200 a\x7f") },
	{ &get, TEXT("HTTP/1.1 200 \r\r") },
	/* Field lines. */
	{ &get, TEXT(OK " ") }, { &get, TEXT(OK "\t") }, { &get, TEXT(OK ":") },
	{ &get, TEXT(OK "\n") }, { &get, TEXT(OK "\r\r") },
	{ &get, TEXT(OK "X ") }, { &get, TEXT(OK "X\t") },
	{ &get, TEXT(OK "X\r") }, { &get, TEXT(OK "X\0") },
	{ &get, TEXT(OK "Content-Length ") }, { &get, TEXT(OK "\x80") },
	{ &get, TEXT(OK "X: a\n") }, { &get, TEXT(OK "X: a\r ") },
	{ &get, TEXT(OK "X: \0") }, { &get, TEXT(OK "X: \x0b") },
	{ &get, TEXT(OK "X: a\r\n ") }, { &get, TEXT(OK FIVE "\t") },
	/* Content-Length. */
	{ &get, TEXT(OK "Content-Length:\r") },
	{ &get, TEXT(OK "Content-Length:  \r") },
	{ &get, TEXT(OK "Content-Length:\t") },
	{ &get, TEXT(OK "Content-Length: 5\t") },
	{ &get, TEXT(OK "Content-Length: 5,") },
	{ &get, TEXT(OK "Content-Length: 5 5") },
	{ &get, TEXT(OK "Content-Length: 5 ,") },
	{ &get, TEXT(OK "Content-Length: ,") },
	{ &get, TEXT(OK "Content-Length: +") },
	{ &get, TEXT(OK "Content-Length: -") },
	{ &get, TEXT(OK "Content-Length: a") },
	{ &get, TEXT(OK "Content-Length: 0x") },
	{ &get, TEXT(OK "Content-Length: 5\n") },
	{ &get, TEXT(OK "Content-Length: 5\r\r") },
	{ &get, TEXT(OK "Content-Length: 9223372036854775808") },
	{ &get, TEXT(OK "Content-Length: 10000000000000000000") },
	{ &get, TEXT(OK FIVE "Content-Length: 5") },
	{ &head, TEXT(OK FIVE "X: y\r\nContent-Length: 5") },
	/* Transfer-Encoding. */
	{ &get, TEXT(OK "Transfer-Encoding:\r") },
	{ &get, TEXT(OK "Transfer-Encoding: chunke\r") },
	{ &get, TEXT(OK "Transfer-Encoding: chunkedd\r") },
	{ &get, TEXT(OK "Transfer-Encoding: gzip\r") },
	{ &get, TEXT(OK "Transfer-Encoding: gzip ") },
	{ &get, TEXT(OK "Transfer-Encoding: close\r") },
	{ &get, TEXT(OK "Transfer-Encoding: chunked,") },
	{ &get, TEXT(OK "Transfer-Encoding: ,") },
	{ &get, TEXT(OK "Transfer-Encoding: chunked;") },
	{ &get, TEXT(OK "Transfer-Encoding: \"") },
	{ &get, TEXT(OK "Transfer-Encoding: chunked c") },
	{ &get, TEXT(OK "Transfer-Encoding: chunked\r\n"
	    "Transfer-Encoding: c") },
	{ &get, TEXT(OK FIVE "Transfer-Encoding: chunked\r\n\r\n") },
	{ &head, TEXT(OK "Transfer-Encoding: chunked\r\n" FIVE "\r\n") },
	{ &get, TEXT("HTTP/1.1 304 x\r\nTransfer-Encoding: chunked\r\n" FIVE
	    "\r\n") },
	{ &get, TEXT("HTTP/1.0 200 x\r\nTransfer-Encoding: chunked\r\n\r\n") },
	{ &head, TEXT("HTTP/1.0 200 x\r\nTransfer-Encoding: chunked\r\n\r\n") },
	{ &old, TEXT(CODED) },
	/* Connection. */
	{ &get, TEXT(OK "Connection: close;") },
	{ &get, TEXT(OK "Connection: \"") },
	{ &get, TEXT(OK "Connection: a b") },
	{ &get, TEXT(OK "Connection: \t") },
	{ &get, TEXT(OK "Connection: close\n") },
	/* No length. */
	{ &get, TEXT(OK "\r\n") }, { &get, TEXT(OK "X: y\r\n\r\n") },
	{ &get, TEXT("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n") },
	/* Interim. */
	{ &get, TEXT("HTTP/1.1 100 x\r\n" FIVE "\r\n") },
	{ &get, TEXT("HTTP/1.1 100 x\r\nContent-Length: 0\r\n\r\n") },
	{ &get, TEXT("HTTP/1.1 103 x\r\nTransfer-Encoding: chunked\r\n\r\n") },
	{ &get, TEXT("HTTP/1.0 100 x\r\n\r\n") },
	{ &old, TEXT("HTTP/1.1 100 x\r\n\r\n") },
	{ &head, TEXT("HTTP/1.1 103 x\r\n\r\n") },
	{ &get, TEXT("HTTP/1.1 101 x\r\n\r\n") },
	{ &get, TEXT("HTTP/1.1 100 x\r\n\r\nHTTP/1.1 101 x\r\n\r\n") },
	{ &get, TEXT("HTTP/1.1 100 x\r\n\r\n\r") },
	/* Chunks. */
	{ &get, TEXT(CODED "\r") }, { &get, TEXT(CODED ";") },
	{ &get, TEXT(CODED "g") }, { &get, TEXT(CODED " ") },
	{ &get, TEXT(CODED "0x") }, { &get, TEXT(CODED "5 ") },
	{ &get, TEXT(CODED "5\n") }, { &get, TEXT(CODED "5\t") },
	{ &get, TEXT(CODED "5\rh") }, { &get, TEXT(CODED "5\0") },
	{ &get, TEXT(CODED "00000000000000005") },
	{ &get, TEXT(CODED "8000000000000000") },
	{ &get, TEXT(CODED "fffffffffffffff0") },
	{ &get, TEXT(CODED "5;\r") }, { &get, TEXT(CODED "5;;") },
	{ &get, TEXT(CODED "5; ") }, { &get, TEXT(CODED "5;a ") },
	{ &get, TEXT(CODED "5;a\n") }, { &get, TEXT(CODED "5;=") },
	{ &get, TEXT(CODED "5;a=\r") }, { &get, TEXT(CODED "5;a=;") },
	{ &get, TEXT(CODED "5;a= ") }, { &get, TEXT(CODED "5;a=b\n") },
	{ &get, TEXT(CODED "5;a=b ") }, { &get, TEXT(CODED "5;a=\"\r") },
	{ &get, TEXT(CODED "5;a=\"\n") }, { &get, TEXT(CODED "5;a=\"\\\r") },
	{ &get, TEXT(CODED "5;a=\"\0") }, { &get, TEXT(CODED "5;a=\"\"c") },
	{ &get, TEXT(CODED "5;a=\"\" ") },
	{ &get, TEXT(CODED "5\r\nhello0") },
	{ &get, TEXT(CODED "5\r\nhello\n") },
	{ &get, TEXT(CODED "5\r\nhello\r\r") },
	{ &get, TEXT(CODED "5\r\nhello\r\n\r") },
	/* Trailers. */
	{ &get, TEXT(CODED "0\r\n\n") }, { &get, TEXT(CODED "0\r\n\r\r") },
	{ &get, TEXT(CODED "0\r\n ") }, { &get, TEXT(CODED "0\r\n:") },
	{ &get, TEXT(CODED "0\r\nX ") }, { &get, TEXT(CODED "0\r\nX\r") },
	{ &get, TEXT(CODED "0\r\nX: y\n") },
	{ &get, TEXT(CODED "0\r\nX: y\r\n ") },
	{ &get, TEXT(CODED "0\r\nContent-Length:") },
	{ &get, TEXT(CODED "0\r\nX: y\r\ntransfer-encoding:") },
	{ &get, TEXT(CODED "0\r\nConnection:") },
};

#endif
