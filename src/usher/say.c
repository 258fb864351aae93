/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"

/* The longest that one byte becomes, \xNN and its terminator. */
enum { BYTE_MAX = 5 };

static const char dots[] = "...";

static size_t
byte_show(char *to, unsigned char byte)
{
	if (byte == '\\')
		return (size_t)snprintf(to, BYTE_MAX, "\\\\");
	if (byte > ' ' && byte < 0x7f)
		return (size_t)snprintf(to, BYTE_MAX, "%c", byte);
	return (size_t)snprintf(to, BYTE_MAX, "\\x%02x", byte);
}

const char *
show(struct shown *shown, const char *text)
{
	size_t used = 0;

	if (*text == '\0')
		text = "\"\"";
	for (; *text != '\0'; text++) {
		if (used > sizeof(shown->text) - sizeof(dots) - BYTE_MAX) {
			memcpy(shown->text + used, dots, sizeof(dots));
			return shown->text;
		}
		used += byte_show(shown->text + used, (unsigned char)*text);
	}
	shown->text[used] = '\0';
	return shown->text;
}

void
die(int status, const char *format, ...)
{
	va_list arguments;

	(void)fputs("usher run: ", stderr);
	va_start(arguments, format);
	(void)vfprintf(stderr, format, arguments);
	va_end(arguments);
	(void)fputc('\n', stderr);
	exit(status);
}
