/* SPDX-License-Identifier: ISC */
#ifndef USHER_CRC32C_H
#define USHER_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/*
 * CRC-32C (Castagnoli) of n bytes, as RFC 3720 section 12.1 and appendix B.4
 * have it: reflected, all ones at the start, inverted at the end.
 * Pure: no memory, no errno, no system call.
 */
uint32_t crc32c(const uint8_t *bytes, size_t n);

#endif
