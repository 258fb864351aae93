/* SPDX-License-Identifier: ISC */
/*
 * What a refused client is told: constants, nothing of the client's or the
 * tenant's in them.  The sandbox lets a relay send these bytes and no others,
 * and knows them by their address: so they are all here when the program is
 * linked, in memory that nobody can write.
 */
#include "answer.h"

enum { ALERT_SIZE = 7 };

/* A fatal alert in a record of its own, RFC 8446 sections 5.1 and 6. */
#define ALERT(description)	{ 21, 3, 3, 0, 2, 2, description }

static const unsigned char alerts[][ALERT_SIZE] = {
	ALERT(10),		/* unexpected_message */
	ALERT(22),		/* record_overflow */
	ALERT(50),		/* decode_error */
	ALERT(80),		/* internal_error */
	ALERT(90),		/* user_canceled */
	ALERT(109),		/* missing_extension */
	ALERT(112),		/* unrecognized_name */
};

/* length is that of body; a unit test counts. */
#define TEXT(line, length, fields, body)				\
	"HTTP/1.1 " line "\r\n"						\
	"Content-Type: text/plain\r\nContent-Length: " length "\r\n"	\
	fields "Connection: close\r\n\r\n" body
#define PAGE(status, line, length, fields, body)				\
	{ status, sizeof(TEXT(line, length, fields, "")) - 1,		\
	    sizeof(TEXT(line, length, fields, body)) - 1,		\
	    TEXT(line, length, fields, body) }

/* A 405 must say what is allowed, RFC 9110 section 15.5.6. */
#define ALLOWED "Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n"

/* RFC 9110 section 15 */
static const struct page {
	unsigned short	 status;
	size_t		 head;		/* the size without the content, */
	size_t		 size;		/* and with it */
	const char	*text;
} pages[] = {
	PAGE(400, "400 Bad Request", "16", "", "400 bad request\n"),
	PAGE(404, "404 Not Found", "22", "", "404 no such host here\n"),
	PAGE(405, "405 Method Not Allowed", "23", ALLOWED,
	    "405 method not allowed\n"),
	PAGE(408, "408 Request Timeout", "20", "", "408 request timeout\n"),
	PAGE(421, "421 Misdirected Request", "41", "",
	    "421 ask again on a connection of its own\n"),
	PAGE(431, "431 Request Header Fields Too Large", "27", "",
	    "431 request head too large\n"),
	PAGE(501, "501 Not Implemented", "28", "",
	    "501 unknown transfer coding\n"),
	PAGE(502, "502 Bad Gateway", "23", "", "502 host misconfigured\n"),
	PAGE(503, "503 Service Unavailable", "23", "",
	    "503 host not answering\n"),
	PAGE(505, "505 HTTP Version Not Supported", "18", "",
	    "505 HTTP/1.1 only\n"),
};

static const void *
alert(unsigned char description, size_t *size)
{
	size_t i;

	for (i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++) {
		if (alerts[i][ALERT_SIZE - 1] != description)
			continue;
		*size = sizeof(alerts[i]);
		return alerts[i];
	}
	return NULL;
}

static const void *
page(unsigned short status, bool head, size_t *size)
{
	size_t i;

	for (i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (pages[i].status != status)
			continue;
		*size = head ? pages[i].head : pages[i].size;
		return pages[i].text;
	}
	return NULL;
}

const void *
answer_find(enum protocol protocol, unsigned int refusal, bool head,
    size_t *size)
{
	const struct refusal_answer *answer = refusal_answer(refusal);

	if (answer == NULL)
		return NULL;
	if (protocol == PROTOCOL_TLS)
		return alert(answer->alert, size);
	return page(answer->status, head, size);
}

static bool
listed(const struct sandbox_constant *list, size_t n,
    const struct sandbox_constant *constant)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (list[i].bytes == constant->bytes &&
		    list[i].size == constant->size)
			return true;
	}
	return false;
}

size_t
answers_list(enum protocol protocol, struct sandbox_constant *list)
{
	struct sandbox_constant	constant;
	unsigned int		i;
	size_t			n = 0;

	/* Each reason twice: with content and without. */
	for (i = 2 * (REFUSAL_NONE + 1); i < 2 * REFUSAL_COUNT; i++) {
		constant.bytes = answer_find(protocol, i / 2, i % 2 == 1,
		    &constant.size);
		if (constant.bytes != NULL && !listed(list, n, &constant))
			list[n++] = constant;
	}
	return n;
}
