/* SPDX-License-Identifier: ISC */
/*
 * Bit by bit and without a table: it runs once for a connection, over less
 * than 400 bytes.
 */
#include "crc32c.h"

/* 0x1edc6f41 with its bits reversed */
static const uint32_t polynomial = 0x82f63b78;

uint32_t
crc32c(const uint8_t *bytes, size_t n)
{
	uint32_t	crc = 0xffffffff;
	size_t		at;
	int		bit;

	for (at = 0; at < n; at++) {
		crc ^= bytes[at];
		for (bit = 0; bit < 8; bit++)
			crc = (crc & 1) != 0 ? crc >> 1 ^ polynomial :
			    crc >> 1;
	}
	return ~crc;
}
