/* SPDX-License-Identifier: ISC */
#ifndef USHER_RECIPE_H
#define USHER_RECIPE_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <check.h>

/* Hellos made to order: shared by test_flight.c and test_hello.c. */

enum {
	ROOM = 8 * 80 * 1024	/* a hello of one byte a record */
};

static const size_t	record_sizes[] = { 1, 2, 3, 7, 512, 16384 };
static uint8_t		message[ROOM], flight_bytes[ROOM];
static char		text[ROOM];

/*
 * Recipes: hex digits in pairs, 'text', R for 32 bytes of random, and [1 or
 * [2 or [3 ... ] for a field with its length before it in so many bytes.
 */
static inline size_t
cook(const char *recipe, uint8_t *out)
{
	size_t	 open[8], width[8], depth = 0, n = 0, i, length;
	unsigned byte;

	for (; *recipe != '\0'; recipe++) {
		if (*recipe == ' ')
			continue;
		if (*recipe == '[') {
			width[depth] = (size_t)(*++recipe - '0');
			n += width[depth];
			open[depth++] = n;
		} else if (*recipe == ']') {
			length = n - open[--depth];
			for (i = 1; i <= width[depth]; i++, length >>= 8)
				out[open[depth] - i] = (uint8_t)length;
		} else if (*recipe == '\'') {
			while (*++recipe != '\'')
				out[n++] = (uint8_t)*recipe;
		} else if (*recipe == 'R') {
			memset(out + n, 0x5a, 32);
			n += 32;
		} else {
			ck_assert_int_eq(sscanf(recipe++, "%2x", &byte), 1);
			out[n++] = (uint8_t)byte;
		}
	}
	ck_assert_uint_eq(depth, 0);
	return n;
}

/* The message in records of the size given.  Gives the bytes of it all. */
static inline size_t
frame(const uint8_t *bytes, size_t n, size_t size, uint8_t *out)
{
	size_t at = 0, part;

	for (; n > 0; n -= part) {
		part = n < size ? n : size;
		memcpy(out + at, "\x16\x03\x01", 3);
		out[at + 3] = (uint8_t)(part >> 8);
		out[at + 4] = (uint8_t)part;
		memcpy(out + at + 5, bytes, part);
		at += 5 + part;
		bytes += part;
	}
	return at;
}

#define HEAD		"0303 R 00 [2 1301] [1 00]"
#define HELLO(ext)	"01[3" HEAD "[2" ext "]]"
#define SNI(name)	"0000[2[2 00[2" name "]]]"
#define ALPN(list)	"0010[2[2" list "]]"
#define A		SNI("'a.example'")
#define ACME		"[1'acme-tls/1']"

/* A hello of n bytes, nearly all of it one extension. */
static inline size_t
cook_long(size_t n)
{
	size_t at = (size_t)snprintf(text, sizeof(text), "01[3" HEAD "[2"
	    A "0015[2");
	size_t fill = n - cook(HELLO(A "0015[2]"), message);

	memset(text + at, '0', 2 * fill);
	memcpy(text + at + 2 * fill, "]]]", 4);
	ck_assert_uint_eq(cook(text, message), n);
	return n;
}

#endif
