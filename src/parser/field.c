/* SPDX-License-Identifier: ISC */
/*
 * Bytes, field lines and lists: the part of HTTP/1.1 that a head and the
 * trailers of a chunked body have in common.
 */
#include "field.h"

/*
 * The classes of enum octet, sixteen bytes a row from 0x00.  A table, since
 * each byte of every head is looked up in it; the unit test compares it with
 * the grammar.
 */
static const uint8_t octets[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	2, 15, 6, 3, 15, 7, 15, 15, 14, 14, 15, 15, 6, 15, 15, 6,
	15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 6, 14, 6, 14, 6, 6,
	6, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
	15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 6, 6, 6, 7, 15,
	7, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
	15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 6, 7, 6, 15, 0,
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
};

size_t
octet_run(const uint8_t *bytes, size_t n, enum octet class)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if ((octets[bytes[i]] & (unsigned)class) == 0)
			break;
	}
	return i;
}

bool
octet_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

int
octet_hex(uint8_t c)
{
	if (octet_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

uint8_t
octet_fold(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

bool
span_is(const struct span *span, const char *text)
{
	size_t i;

	for (i = 0; i < span->n; i++) {
		if (text[i] == '\0' || octet_fold(span->bytes[i]) != (uint8_t)text[i])
			return false;
	}
	return text[i] == '\0';
}

bool
span_equal(const struct span *a, const struct span *b)
{
	size_t i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++) {
		if (octet_fold(a->bytes[i]) != octet_fold(b->bytes[i]))
			return false;
	}
	return true;
}

/* Takes the blanks off both ends. */
static struct span
trimmed(const uint8_t *bytes, size_t n)
{
	struct span span;

	while (n > 0 && is_blank(bytes[n - 1]))
		n--;
	while (n > 0 && is_blank(bytes[0])) {
		bytes++;
		n--;
	}
	span.bytes = bytes;
	span.n = n;
	return span;
}

/* What a line is that has come to the place where its CRLF must stand. */
static enum line_state
line_end(const uint8_t *bytes, size_t n)
{
	if (n == 0)
		return LINE_PART;
	if (bytes[0] != '\r')
		return LINE_BAD;
	if (n == 1)
		return LINE_PART;
	return bytes[1] == '\n' ? LINE_WHOLE : LINE_BAD;
}

enum line_state
field_read(struct field *field, const uint8_t *bytes, size_t n)
{
	enum line_state	end;
	size_t		name, value;

	name = octet_run(bytes, n, OCTET_TOKEN);
	if (name == 0) {
		end = line_end(bytes, n);
		return end == LINE_WHOLE ? LINE_EMPTY : end;
	}
	if (name == n)
		return LINE_PART;
	if (bytes[name] != ':')
		return LINE_BAD;
	value = octet_run(bytes + name + 1, n - name - 1, OCTET_VALUE);
	end = line_end(bytes + name + 1 + value, n - name - 1 - value);
	if (end != LINE_WHOLE)
		return end;
	field->name.bytes = bytes;
	field->name.n = name;
	field->value = trimmed(bytes + name + 1, value);
	field->line = name + 1 + value + 2;
	return LINE_WHOLE;
}

enum list_state
list_next(struct span *rest, struct span *token)
{
	size_t at = 0;

	while (at < rest->n &&
	    (is_blank(rest->bytes[at]) || rest->bytes[at] == ','))
		at++;
	if (at == rest->n)
		return LIST_END;
	token->bytes = rest->bytes + at;
	token->n = octet_run(token->bytes, rest->n - at, OCTET_TOKEN);
	if (token->n == 0)
		return LIST_BAD;
	at += token->n;
	while (at < rest->n && is_blank(rest->bytes[at]))
		at++;
	if (at < rest->n && rest->bytes[at] != ',')
		return LIST_BAD;
	rest->bytes += at;
	rest->n -= at;
	return LIST_TOKEN;
}
