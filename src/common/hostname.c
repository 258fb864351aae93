/* SPDX-License-Identifier: ISC */
/*
 * The one check of a host name.  The parsers call it on foreign bytes and the
 * front calls it again on what the parsers say.
 */
#include <string.h>

#include "hostname.h"

enum { LABEL_MAX = 63 };

static int
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static int
is_letter(uint8_t c)
{
	return c >= 'a' && c <= 'z';
}

static uint8_t
fold(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

/*
 * Copies one label, up to n bytes or the first dot, to out.  Gives its
 * length, or 0 when it is not a label.
 */
static size_t
label_copy(char *out, const uint8_t *in, size_t n, int *numeric)
{
	size_t len;

	*numeric = 1;
	for (len = 0; len < n && in[len] != '.'; len++) {
		uint8_t c = fold(in[len]);

		if (len == LABEL_MAX)
			return 0;
		if (!is_digit(c) && !is_letter(c) && c != '-')
			return 0;
		if (!is_digit(c))
			*numeric = 0;
		out[len] = (char)c;
	}
	if (len == 0 || out[0] == '-' || out[len - 1] == '-')
		return 0;
	return len;
}

int
hostname_parse(struct hostname *name, const uint8_t *bytes, size_t n)
{
	struct hostname	 parsed;
	size_t		 at = 0, len;
	int		 numeric;

	memset(name, 0, sizeof(*name));
	memset(&parsed, 0, sizeof(parsed));
	if (n > 0 && bytes[n - 1] == '.')
		n--;
	if (n == 0 || n > HOSTNAME_MAX)
		return -1;
	for (;;) {
		len = label_copy(parsed.text + at, bytes + at, n - at,
		    &numeric);
		if (len == 0)
			return -1;
		at += len;
		if (at == n)
			break;
		parsed.text[at++] = '.';
	}
	if (numeric)
		return -1;
	*name = parsed;
	return 0;
}

/* Bytes that no label may have, the most telling ones first. */
static enum hostname_fault
bytes_fault(const uint8_t *bytes, size_t n)
{
	enum hostname_fault	worst = HOSTNAME_NO_FAULT, fault;
	size_t			i;

	for (i = 0; i < n; i++) {
		const uint8_t c = fold(bytes[i]);

		if (is_letter(c) || is_digit(c) || c == '-' || c == '.')
			continue;
		fault = c >= 0x80 ? HOSTNAME_NOT_ASCII :
		    c == ':' ? HOSTNAME_PORT :
		    c == '_' ? HOSTNAME_UNDERSCORE : HOSTNAME_CHARACTER;
		if (worst == HOSTNAME_NO_FAULT || fault < worst)
			worst = fault;
	}
	return worst;
}

static enum hostname_fault
label_fault(const uint8_t *label, size_t n)
{
	if (n == 0)
		return HOSTNAME_EMPTY_LABEL;
	if (n > LABEL_MAX)
		return HOSTNAME_LONG_LABEL;
	if (label[0] == '-' || label[n - 1] == '-')
		return HOSTNAME_HYPHEN;
	return HOSTNAME_NO_FAULT;
}

enum hostname_fault
hostname_fault(const uint8_t *bytes, size_t n)
{
	enum hostname_fault	fault, worst = HOSTNAME_NO_FAULT;
	struct hostname		name;
	size_t			i, start = 0;

	if (hostname_parse(&name, bytes, n) == 0)
		return HOSTNAME_NO_FAULT;
	if (n > 0 && bytes[n - 1] == '.')
		n--;
	if (n == 0)
		return HOSTNAME_EMPTY;
	if (n > HOSTNAME_MAX)
		return HOSTNAME_LONG;
	fault = bytes_fault(bytes, n);
	if (fault != HOSTNAME_NO_FAULT)
		return fault;
	for (i = 0; i <= n; i++) {
		if (i < n && bytes[i] != '.')
			continue;
		fault = label_fault(bytes + start, i - start);
		if (fault != HOSTNAME_NO_FAULT &&
		    (worst == HOSTNAME_NO_FAULT || fault < worst))
			worst = fault;
		start = i + 1;
	}
	return worst != HOSTNAME_NO_FAULT ? worst : HOSTNAME_DIGITS;
}

int
hostname_check(struct hostname *name, const struct hostname *claimed)
{
	size_t n = 0;

	while (n < sizeof(claimed->text) && claimed->text[n] != '\0')
		n++;
	if (hostname_parse(name, (const uint8_t *)claimed->text, n) == -1)
		return -1;
	if (memcmp(name, claimed, sizeof(*name)) == 0)
		return 0;
	memset(name, 0, sizeof(*name));
	return -1;
}

const char *
hostname_parent(const struct hostname *name)
{
	const char *dot;

	dot = strchr(name->text, '.');
	return dot == NULL ? NULL : dot + 1;
}
