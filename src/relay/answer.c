/* SPDX-License-Identifier: ISC */
/*
 * What a refused client is told: constants, nothing of the client's or the
 * tenant's in them.
 */
#include <stdio.h>
#include <string.h>

#include "relay.h"

enum {
	ALERT_SIZE = 7,
	PAGE_MAX = 512
};

struct page {
	unsigned short	 status;
	const char	*reason;
	const char	*fields;
	const char	*body;
};

/* A 405 must say what is allowed, RFC 9110 section 15.5.6. */
static const char allow[] =
    "Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n";

/* RFC 9110 section 15 */
static const struct page pages[] = {
	{ 400, "Bad Request", "", "400 bad request\n" },
	{ 404, "Not Found", "", "404 no such host here\n" },
	{ 405, "Method Not Allowed", allow, "405 method not allowed\n" },
	{ 408, "Request Timeout", "", "408 request timeout\n" },
	{ 421, "Misdirected Request", "",
	    "421 ask again on a connection of its own\n" },
	{ 431, "Request Header Fields Too Large", "",
	    "431 request head too large\n" },
	{ 501, "Not Implemented", "", "501 unknown transfer coding\n" },
	{ 502, "Bad Gateway", "", "502 host misconfigured\n" },
	{ 503, "Service Unavailable", "", "503 host not answering\n" },
	{ 505, "HTTP Version Not Supported", "", "505 HTTP/1.1 only\n" },
};

/* A fatal alert in a record of its own, RFC 8446 sections 5.1 and 6. */
static const void *
alert(unsigned char description, size_t *size)
{
	static unsigned char record[ALERT_SIZE] = { 21, 3, 3, 0, 2, 2, 0 };

	record[ALERT_SIZE - 1] = description;
	*size = sizeof(record);
	return record;
}

static const void *
page(unsigned short status, size_t *size)
{
	static char	text[PAGE_MAX];
	size_t		i;
	int		n;

	for (i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (pages[i].status == status)
			break;
	}
	if (i == sizeof(pages) / sizeof(pages[0]))
		return NULL;
	n = snprintf(text, sizeof(text), "HTTP/1.1 %d %s\r\n"
	    "Content-Type: text/plain\r\nContent-Length: %zu\r\n"
	    "%sConnection: close\r\n\r\n%s", pages[i].status,
	    pages[i].reason, strlen(pages[i].body), pages[i].fields,
	    pages[i].body);
	if (n < 0 || (size_t)n >= sizeof(text))
		return NULL;
	*size = (size_t)n;
	return text;
}

const void *
answer_find(enum protocol protocol, unsigned int refusal, size_t *size)
{
	const struct refusal_answer *answer = refusal_answer(refusal);

	if (answer == NULL)
		return NULL;
	if (protocol == PROTOCOL_TLS)
		return alert(answer->alert, size);
	return page(answer->status, size);
}
