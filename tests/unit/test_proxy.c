/* SPDX-License-Identifier: ISC */
/*
 * The expected checksums were computed apart from crc32c.c, by a table-driven
 * CRC-32C in another language over the bytes written here.
 */
#include <sys/socket.h>

#include <netinet/in.h>

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/front/crc32c.h"
#include "../../src/front/proxy.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define AUTHORITY "\x02\x00\x0fwww.example.com"
#define UNIQUE_ID "\x05\x00\x10" \
    "\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab\xac\xad\xae\xaf"
#define PORTS "\xdc\x04\x01\xbb"	/* 56324 443 */

static const uint8_t id[PROXY_ID_SIZE] = {
	0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
	0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf
};

/* An address as text; NULL for a family that has none. */
struct end {
	int		 family;
	const char	*text;
	uint16_t	 port;
};

struct v1_case {
	struct end	 client;
	struct end	 listener;
	const char	*line;
};

static const struct v1_case v1_cases[] = {
	{ { AF_INET, "192.0.2.1", 56324 }, { AF_INET, "198.51.100.2", 443 },
	    "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n" },
	{ { AF_INET, "255.255.255.255", 65535 },
	    { AF_INET, "255.255.255.255", 65535 },
	    "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n" },
	{ { AF_INET, "0.0.0.0", 0 }, { AF_INET, "127.0.0.1", 80 },
	    "PROXY TCP4 0.0.0.0 127.0.0.1 0 80\r\n" },
	{ { AF_INET6, "2001:db8::1", 56324 }, { AF_INET6, "2001:db8::2", 443 },
	    "PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n" },
	{ { AF_INET6, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535 },
	    { AF_INET6, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535 },
	    "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n" },
	{ { AF_INET6, "::1", 1 }, { AF_INET6, "::", 256 },
	    "PROXY TCP6 ::1 :: 1 256\r\n" },

	/* v4-mapped, at both ends or at one beside a real IPv4 */
	{ { AF_INET6, "::ffff:192.0.2.1", 56324 },
	    { AF_INET6, "::ffff:198.51.100.2", 443 },
	    "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n" },
	{ { AF_INET, "192.0.2.1", 56324 },
	    { AF_INET6, "::ffff:198.51.100.2", 443 },
	    "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n" },

	/* near the mapped prefix, but not in it */
	{ { AF_INET6, "::fffe:c000:201", 1 }, { AF_INET6, "1::ffff:0:1", 2 },
	    "PROXY TCP6 ::fffe:c000:201 1::ffff:0:1 1 2\r\n" },

	/* one end is IPv4 */
	{ { AF_INET, "192.0.2.1", 56324 }, { AF_INET6, "2001:db8::2", 443 },
	    "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 56324 443\r\n" },
	{ { AF_INET6, "2001:db8::1", 56324 }, { AF_INET, "198.51.100.2", 443 },
	    "PROXY TCP6 2001:db8::1 ::ffff:198.51.100.2 56324 443\r\n" },
	{ { AF_INET6, "::ffff:192.0.2.1", 56324 },
	    { AF_INET6, "2001:db8::2", 443 },
	    "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 56324 443\r\n" },

	/* no family of ours at one end or at both */
	{ { AF_UNIX, NULL, 0 }, { AF_UNIX, NULL, 0 }, "PROXY UNKNOWN\r\n" },
	{ { AF_UNSPEC, NULL, 0 }, { AF_UNSPEC, NULL, 0 },
	    "PROXY UNKNOWN\r\n" },
	{ { AF_INET, "192.0.2.1", 1 }, { AF_UNIX, NULL, 0 },
	    "PROXY UNKNOWN\r\n" },
	{ { AF_UNIX, NULL, 0 }, { AF_INET6, "2001:db8::2", 443 },
	    "PROXY UNKNOWN\r\n" }
};

struct v2_case {
	struct end	 client;
	struct end	 listener;
	const char	*name;
	const char	*bytes;
	size_t		 size;
};

#define BYTES(literal) literal, sizeof(literal) - 1

static const struct v2_case v2_cases[] = {
	{ { AF_INET, "192.0.2.1", 56324 }, { AF_INET, "198.51.100.2", 443 },
	    "www.example.com",
	    BYTES(SIGNATURE "\x21\x11\x00\x38"
	    "\xc0\x00\x02\x01" "\xc6\x33\x64\x02" PORTS AUTHORITY UNIQUE_ID
	    "\x03\x00\x04\x16\xe1\x1f\x40") },
	{ { AF_INET6, "::ffff:192.0.2.1", 56324 },
	    { AF_INET6, "::ffff:198.51.100.2", 443 }, "www.example.com",
	    BYTES(SIGNATURE "\x21\x11\x00\x38"
	    "\xc0\x00\x02\x01" "\xc6\x33\x64\x02" PORTS AUTHORITY UNIQUE_ID
	    "\x03\x00\x04\x16\xe1\x1f\x40") },
	{ { AF_INET6, "2001:db8::1", 56324 }, { AF_INET6, "2001:db8::2", 443 },
	    "www.example.com",
	    BYTES(SIGNATURE "\x21\x21\x00\x50"
	    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
	    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"
	    PORTS AUTHORITY UNIQUE_ID "\x03\x00\x04\x2f\x7d\xeb\x02") },
	{ { AF_INET, "192.0.2.1", 56324 }, { AF_INET6, "2001:db8::2", 443 },
	    NULL,
	    BYTES(SIGNATURE "\x21\x21\x00\x3e"
	    "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x01"
	    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"
	    PORTS UNIQUE_ID "\x03\x00\x04\xfc\x7c\x0a\x52") },
	{ { AF_UNIX, NULL, 0 }, { AF_UNIX, NULL, 0 }, "www.example.com",
	    BYTES(SIGNATURE "\x21\x00\x00\x2c" AUTHORITY UNIQUE_ID
	    "\x03\x00\x04\x7b\x80\x97\x56") },
	{ { AF_INET, "192.0.2.1", 1 }, { AF_UNSPEC, NULL, 0 }, NULL,
	    BYTES(SIGNATURE "\x21\x00\x00\x1a" UNIQUE_ID
	    "\x03\x00\x04\xd1\x5b\x5f\xd7") },
	{ { AF_UNSPEC, NULL, 0 }, { AF_UNSPEC, NULL, 0 }, "",
	    BYTES(SIGNATURE "\x21\x00\x00\x1a" UNIQUE_ID
	    "\x03\x00\x04\xd1\x5b\x5f\xd7") }
};

struct crc_case {
	uint8_t		first;
	int		step;
	uint32_t	crc;
};

/* RFC 3720 appendix B.4; 32 bytes each */
static const struct crc_case crc_cases[] = {
	{ 0x00,  0, 0x8a9136aa },
	{ 0xff,  0, 0x62a8ab43 },
	{ 0x00,  1, 0x46dd794e },
	{ 0x1f, -1, 0x113fdb5c }
};

enum { CRC_CASE_SIZE = 32 };

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct sockaddr *
end_address(struct sockaddr_storage *storage, const struct end *end)
{
	struct sockaddr_in	*v4 = (struct sockaddr_in *)storage;
	struct sockaddr_in6	*v6 = (struct sockaddr_in6 *)storage;

	/* Not zero, so that a byte read from the wrong place shows. */
	memset(storage, 0x55, sizeof(*storage));
	storage->ss_family = (sa_family_t)end->family;
	if (end->family == AF_INET) {
		v4->sin_port = htons(end->port);
		ck_assert_int_eq(inet_pton(AF_INET, end->text, &v4->sin_addr),
		    1);
	}
	if (end->family == AF_INET6) {
		v6->sin6_port = htons(end->port);
		ck_assert_int_eq(inet_pton(AF_INET6, end->text,
		    &v6->sin6_addr), 1);
	}
	return (const struct sockaddr *)storage;
}

START_TEST(crc_vectors)
{
	const struct crc_case	*wanted = &crc_cases[_i];
	uint8_t			 bytes[CRC_CASE_SIZE];
	int			 i;

	for (i = 0; i < CRC_CASE_SIZE; i++)
		bytes[i] = (uint8_t)(wanted->first + i * wanted->step);
	ck_assert_uint_eq(crc32c(bytes, sizeof(bytes)), wanted->crc);
}
END_TEST

START_TEST(crc_text)
{
	ck_assert_uint_eq(crc32c((const uint8_t *)"123456789", 9), 0xe3069283);
	ck_assert_uint_eq(crc32c((const uint8_t *)"", 0), 0);
}
END_TEST

START_TEST(v1_line)
{
	const struct v1_case	*wanted = &v1_cases[_i];
	struct sockaddr_storage	 client, listener;
	struct proxy_header	 header;

	memset(&header, 0xee, sizeof(header));
	proxy_v1(&header, end_address(&client, &wanted->client),
	    end_address(&listener, &wanted->listener));
	ck_assert_uint_eq(header.size, strlen(wanted->line));
	ck_assert_uint_le(header.size, 107);
	ck_assert_mem_eq(header.bytes, wanted->line, header.size);
}
END_TEST

START_TEST(v2_bytes)
{
	const struct v2_case	*wanted = &v2_cases[_i];
	struct sockaddr_storage	 client, listener;
	struct proxy_header	 header;
	struct hostname		 name;

	memset(&header, 0xee, sizeof(header));
	memset(&name, 0, sizeof(name));
	if (wanted->name != NULL)
		memcpy(name.text, wanted->name, strlen(wanted->name));
	proxy_v2(&header, end_address(&client, &wanted->client),
	    end_address(&listener, &wanted->listener),
	    wanted->name == NULL ? NULL : &name, id);
	ck_assert_uint_eq(header.size, wanted->size);
	ck_assert_mem_eq(header.bytes, wanted->bytes, header.size);
}
END_TEST

/* The longest name over the longest addresses. */
START_TEST(v2_longest)
{
	static const struct end	 end = { AF_INET6, "2001:db8::1", 443 };
	struct sockaddr_storage	 client, listener;
	struct proxy_header	 header;
	struct hostname		 name;
	uint8_t			 zero[4] = { 0 };
	uint32_t		 crc;
	size_t			 i;

	memset(&name, 0, sizeof(name));
	for (i = 0; i < HOSTNAME_MAX; i++)
		name.text[i] = i % 2 == 0 ? 'a' : '.';
	proxy_v2(&header, end_address(&client, &end),
	    end_address(&listener, &end), &name, id);
	ck_assert_uint_eq(header.size, 16 + 36 + 3 + 253 + 3 + 16 + 3 + 4);
	ck_assert_uint_le(header.size, PROXY_HEADER_MAX);
	ck_assert_uint_eq((size_t)header.bytes[14] << 8 | header.bytes[15],
	    header.size - 16);
	ck_assert_mem_eq(header.bytes + 52, "\x02\x00\xfd", 3);
	ck_assert_mem_eq(header.bytes + 55, name.text, HOSTNAME_MAX);

	memcpy(&crc, header.bytes + header.size - 4, sizeof(crc));
	memcpy(header.bytes + header.size - 4, zero, sizeof(zero));
	ck_assert_uint_eq(ntohl(crc), crc32c(header.bytes, header.size));
}
END_TEST

/* A name that is no legal one, without its NUL, is still kept in bounds. */
START_TEST(v2_unterminated)
{
	static const struct end	 end = { AF_INET6, "2001:db8::1", 443 };
	struct sockaddr_storage	 client, listener;
	struct proxy_header	 header;
	struct hostname		 name;

	memset(&name, 'a', sizeof(name));
	proxy_v2(&header, end_address(&client, &end),
	    end_address(&listener, &end), &name, id);
	ck_assert_uint_le(header.size, PROXY_HEADER_MAX);
	ck_assert_mem_eq(header.bytes + 52, "\x02\x00\xfe", 3);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("proxy");
	TCase	*tests = tcase_create("proxy");
	SRunner	*runner;
	int	 failed;

	tcase_add_loop_test(tests, crc_vectors, 0, COUNT(crc_cases));
	tcase_add_test(tests, crc_text);
	tcase_add_loop_test(tests, v1_line, 0, COUNT(v1_cases));
	tcase_add_loop_test(tests, v2_bytes, 0, COUNT(v2_cases));
	tcase_add_test(tests, v2_longest);
	tcase_add_test(tests, v2_unterminated);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
