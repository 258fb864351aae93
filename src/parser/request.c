/* SPDX-License-Identifier: ISC */
/*
 * Reads a request head.  The tenant reads the same bytes again with a parser
 * of its own, and a byte that the two take differently can carry a request
 * past this one: what is not plainly legal is refused, never mended.
 *
 * The bytes are read from first to last and the first error is the answer, so
 * that it does not depend on how the bytes were split on their way: a byte
 * that no head may have at its place is told at once, a wrong value with the
 * CRLF that ends its line, a missing Host with the end of the head.
 *
 * Inside, REQUEST_PART is the state of everything that is legal so far.
 */
#include <string.h>

#include "authority.h"
#include "field.h"
#include "request.h"

/*
 * RFC 9112 section 2.2 wants "at least one" empty line ignored before the
 * request line, for clients that end a body with a CRLF too many.
 */
enum { EMPTY_LINES_MAX = 4 };

struct line {
	struct span	method;
	struct span	target;
	uint8_t		major;		/* digits, as they came */
	uint8_t		minor;
	size_t		bytes;		/* with its CRLF */
};

/* What the lines have told so far. */
struct head {
	bool			http10;
	bool			bodyless;	/* HEAD */
	bool			absolute;	/* absolute-form: */
	struct authority	named;		/* its authority */
	unsigned		default_port;	/* and that of its scheme */
	bool			hosted;		/* Host has been seen: */
	struct authority	host;		/* its value */
	bool			measured;	/* Content-Length: */
	uint64_t		length;		/* its value */
	bool			chunked;	/* Transfer-Encoding */
	bool			close;		/* Connection: close */
	bool			keep_alive;	/* Connection: keep-alive */
	bool			upgrade;	/* Connection: upgrade */
	bool			protocol;	/* Upgrade names something */
	bool			expect;		/* Expect: 100-continue */
};

/* Reads the end of a request line, "HTTP/" DIGIT "." DIGIT CRLF. */
static enum line_state
version_read(struct line *line, const uint8_t *bytes, size_t n)
{
	static const char	form[] = "HTTP/0.0\r\n";
	size_t			i;
	bool			legal;

	for (i = 0; i < sizeof(form) - 1; i++) {
		if (i == n)
			return LINE_PART;
		legal = form[i] == '0' ? octet_digit(bytes[i]) :
		    bytes[i] == (uint8_t)form[i];
		if (!legal)
			return LINE_BAD;
	}
	line->major = bytes[5];
	line->minor = bytes[7];
	line->bytes += sizeof(form) - 1;
	return LINE_WHOLE;
}

/* Takes a word of the request line and the one space behind it. */
static enum line_state
word_read(struct line *line, struct span *word, enum octet class,
    const uint8_t *bytes, size_t n)
{
	word->bytes = bytes;
	word->n = octet_run(bytes, n, class);
	if (word->n == n)
		return LINE_PART;
	if (word->n == 0 || bytes[word->n] != ' ')
		return LINE_BAD;
	line->bytes += word->n + 1;
	return LINE_WHOLE;
}

/* Reads the syntax of a request line (RFC 9112 section 3). */
static enum line_state
line_read(struct line *line, const uint8_t *bytes, size_t n)
{
	enum line_state state;

	line->bytes = 0;
	state = word_read(line, &line->method, OCTET_TOKEN, bytes, n);
	if (state != LINE_WHOLE)
		return state;
	state = word_read(line, &line->target, OCTET_TARGET,
	    bytes + line->bytes, n - line->bytes);
	if (state != LINE_WHOLE)
		return state;
	return version_read(line, bytes + line->bytes, n - line->bytes);
}

/*
 * The length of "http://" or "https://" at the start, or 0; and the port that
 * such a target means without one (RFC 9110 sections 4.2.1 and 4.2.2).
 */
static size_t
scheme_length(const struct span *target, unsigned *port)
{
	static const struct {
		const char	*text;
		unsigned	 port;
	}			schemes[] = {
		{ "http://", 80 },
		{ "https://", 443 }
	};
	struct span		start;
	size_t			i;

	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		start.bytes = target->bytes;
		start.n = strlen(schemes[i].text);
		*port = schemes[i].port;
		if (start.n <= target->n && span_is(&start, schemes[i].text))
			return start.n;
	}
	return 0;
}

/* Exactly the method: methods are case-sensitive. */
static bool
method_is(const struct span *method, const char *name)
{
	return method->n == strlen(name) &&
	    memcmp(method->bytes, name, method->n) == 0;
}

/*
 * Any target but CONNECT's: origin-form, asterisk-form or absolute-form (RFC
 * 9112 section 3.2).  Of the last only http and https, whose authority is a
 * host and a port; it must not be empty (RFC 9110 section 4.2.1).
 */
static int
target_read(struct head *head, const struct line *line)
{
	const struct span	*target = &line->target;
	const uint8_t		*authority;
	size_t			 scheme, n, room;

	if (target->bytes[0] == '/')
		return 0;
	if (target->n == 1 && target->bytes[0] == '*')
		return method_is(&line->method, "OPTIONS") ? 0 : -1;
	scheme = scheme_length(target, &head->default_port);
	if (scheme == 0)
		return -1;
	authority = target->bytes + scheme;
	room = target->n - scheme;
	for (n = 0; n < room; n++) {
		if (authority[n] == '/' || authority[n] == '?')
			break;
	}
	if (authority_parse(&head->named, authority, n) == -1)
		return -1;
	if (head->named.host.n == 0)
		return -1;
	head->absolute = true;
	return 0;
}

/* CONNECT has a target of its own, host and port, both there. */
static enum request_state
connect_read(const struct line *line)
{
	struct authority authority;

	if (authority_parse(&authority, line->target.bytes,
	    line->target.n) == -1)
		return REQUEST_BAD;
	if (authority.host.n == 0 || authority.port.n == 0)
		return REQUEST_BAD;
	return REQUEST_CONNECT;
}

/*
 * A minor version above 1 is read as 1 (RFC 9110 section 2.5).  The preface
 * of HTTP/2, "PRI * HTTP/2.0", ends here as well.
 */
static enum request_state
line_judge(struct head *head, const struct line *line)
{
	if (line->major != '1')
		return REQUEST_VERSION;
	head->http10 = line->minor == '0';
	head->bodyless = method_is(&line->method, "HEAD");
	if (method_is(&line->method, "CONNECT"))
		return connect_read(line);
	return target_read(head, line) == -1 ? REQUEST_BAD : REQUEST_PART;
}

/* At most one, in HTTP/1.0 too: the second could be the one that counts. */
static int
host_read(struct head *head, const struct span *value)
{
	if (head->hosted)
		return -1;
	head->hosted = true;
	return authority_parse(&head->host, value->bytes, value->n);
}

/*
 * Digits, and once: RFC 9110 section 8.6 would allow equal values to be
 * merged, but not every tenant does.
 */
static int
length_read(struct head *head, const struct span *value)
{
	unsigned	digit;
	size_t		i;

	if (head->measured || head->chunked || value->n == 0)
		return -1;
	for (i = 0; i < value->n; i++) {
		if (!octet_digit(value->bytes[i]))
			return -1;
		digit = (unsigned)(value->bytes[i] - '0');
		if (head->length > ((uint64_t)INT64_MAX - digit) / 10)
			return -1;
		head->length = head->length * 10 + digit;
	}
	head->measured = true;
	return 0;
}

/*
 * "chunked" and nothing else.  A list of other codings, with or without a
 * chunked at its end, is legal and not for us; a chunked anywhere else, twice,
 * or dressed up with commas is an attempt to be read in two ways.
 */
static enum request_state
coding_read(struct head *head, const struct span *value)
{
	struct span	rest = *value, token;
	enum list_state	state;
	bool		chunked = false;
	size_t		tokens = 0;

	if (head->chunked || head->measured || head->http10)
		return REQUEST_BAD;
	if (span_is(value, "chunked")) {
		head->chunked = true;
		return REQUEST_PART;
	}
	while ((state = list_next(&rest, &token)) == LIST_TOKEN) {
		if (chunked)
			return REQUEST_BAD;
		chunked = span_is(&token, "chunked");
		tokens++;
	}
	if (state == LIST_BAD || tokens == 0 || (chunked && tokens == 1))
		return REQUEST_BAD;
	return REQUEST_CODING;
}

static int
connection_read(struct head *head, const struct span *value)
{
	struct span	rest = *value, token;
	enum list_state	state;

	while ((state = list_next(&rest, &token)) == LIST_TOKEN) {
		if (span_is(&token, "close"))
			head->close = true;
		if (span_is(&token, "keep-alive"))
			head->keep_alive = true;
		if (span_is(&token, "upgrade"))
			head->upgrade = true;
	}
	return state == LIST_BAD ? -1 : 0;
}

/*
 * Other expectations, and what is no list, are for the tenant to judge (RFC
 * 9110 section 10.1.1): whoever does not understand the field reads on.
 */
static void
expect_read(struct head *head, const struct span *value)
{
	struct span rest = *value, token;

	while (list_next(&rest, &token) == LIST_TOKEN) {
		if (span_is(&token, "100-continue"))
			head->expect = true;
	}
}

static enum request_state
field_judge(struct head *head, const struct field *field)
{
	int legal = 0;

	if (span_is(&field->name, "transfer-encoding"))
		return coding_read(head, &field->value);
	if (span_is(&field->name, "host"))
		legal = host_read(head, &field->value);
	else if (span_is(&field->name, "content-length"))
		legal = length_read(head, &field->value);
	else if (span_is(&field->name, "connection"))
		legal = connection_read(head, &field->value);
	else if (span_is(&field->name, "upgrade") && field->value.n > 0)
		head->protocol = true;
	else if (span_is(&field->name, "expect"))
		expect_read(head, &field->value);
	return legal == -1 ? REQUEST_BAD : REQUEST_PART;
}

/*
 * Reads the field lines, from *at on, and moves *at behind the empty line.
 * The field over the bound is refused with its first byte.
 */
static enum request_state
fields_read(struct head *head, const uint8_t *bytes, size_t n, size_t *at)
{
	struct field		field;
	enum request_state	state;
	unsigned		fields;

	for (fields = 0; ; fields++) {
		if (fields == REQUEST_FIELDS_MAX && *at < n &&
		    bytes[*at] != '\r')
			return REQUEST_TOO_LARGE;
		switch (field_read(&field, bytes + *at, n - *at)) {
		case LINE_PART:
			return REQUEST_PART;
		case LINE_BAD:
			return REQUEST_BAD;
		case LINE_EMPTY:
			*at += 2;
			return REQUEST_WHOLE;
		case LINE_WHOLE:
			break;
		}
		state = field_judge(head, &field);
		if (state != REQUEST_PART)
			return state;
		*at += field.line;
	}
}

/* Moves *at behind the empty lines before the request line. */
static enum line_state
empty_lines_skip(const uint8_t *bytes, size_t n, size_t *at)
{
	unsigned lines;

	for (lines = 0; *at < n && bytes[*at] == '\r'; lines++) {
		if (lines == EMPTY_LINES_MAX)
			return LINE_BAD;
		if (n - *at == 1)
			return LINE_PART;
		if (bytes[*at + 1] != '\n')
			return LINE_BAD;
		*at += 2;
	}
	return *at == n ? LINE_PART : LINE_EMPTY;
}

/* Reads the lines of a head and gives its size when it is whole. */
static enum request_state
head_read(struct head *head, const uint8_t *bytes, size_t n, size_t *size)
{
	struct line		line;
	enum line_state		syntax;
	enum request_state	state;
	size_t			at = 0;

	syntax = empty_lines_skip(bytes, n, &at);
	if (syntax == LINE_EMPTY)
		syntax = line_read(&line, bytes + at, n - at);
	if (syntax == LINE_PART)
		return REQUEST_PART;
	if (syntax != LINE_WHOLE)
		return REQUEST_BAD;
	state = line_judge(head, &line);
	if (state != REQUEST_PART)
		return state;
	at += line.bytes;
	state = fields_read(head, bytes, n, &at);
	*size = at;
	return state;
}

/*
 * Whose request is it?  A target with an authority of its own must agree with
 * Host: RFC 9112 section 3.2.2 lets it win, but not every tenant knows.
 */
static int
head_route(const struct head *head, struct request *request)
{
	if (!head->hosted) {
		request->target = TARGET_NAMELESS;
		return head->http10 && !head->absolute ? 0 : -1;
	}
	if (head->absolute && !authority_equal(&head->named, &head->host,
	    head->default_port))
		return -1;
	request->target = head->host.target;
	request->name = head->host.name;
	request->fault = head->host.fault;
	return 0;
}

/*
 * How long is it, and may another follow?  Upgrade and Expect mean nothing in
 * HTTP/1.0 (RFC 9110 sections 7.8 and 10.1.1).
 */
static void
head_frame(const struct head *head, struct request *request)
{
	request->http10 = head->http10;
	request->head = head->bodyless;
	request->last = head->close || (head->http10 && !head->keep_alive);
	request->upgrade = head->upgrade && head->protocol && !head->http10;
	request->expect = head->expect && !head->http10;
	if (head->chunked) {
		request->body = BODY_CHUNKED;
	} else if (head->length > 0) {
		request->body = BODY_LENGTH;
		request->length = head->length;
	} else {
		request->body = BODY_NONE;
	}
}

enum request_state
request_parse(const uint8_t *bytes, size_t n, struct request *request)
{
	struct head		head;
	struct request		result;
	enum request_state	state;
	size_t			room = n;

	memset(request, 0, sizeof(*request));
	memset(&head, 0, sizeof(head));
	memset(&result, 0, sizeof(result));
	if (room > REQUEST_HEAD_MAX)
		room = REQUEST_HEAD_MAX;
	state = head_read(&head, bytes, room, &result.size);
	if (state == REQUEST_PART && room == REQUEST_HEAD_MAX)
		return REQUEST_TOO_LARGE;
	if (state != REQUEST_WHOLE)
		return state;
	if (head_route(&head, &result) == -1)
		return REQUEST_BAD;
	head_frame(&head, &result);
	*request = result;
	return REQUEST_WHOLE;
}
