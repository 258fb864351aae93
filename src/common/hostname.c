/* SPDX-License-Identifier: ISC */
/*
 * The one check of a host name.  The parsers call it on foreign bytes and the
 * parent calls it again on what the parsers say.
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
