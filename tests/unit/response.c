/* SPDX-License-Identifier: ISC */
/*
 * Reads the responses to one request on standard input and prints where they
 * end, for test_response_differential.py:
 *
 *	STATE BYTES [last] [odd]
 *
 * usage: response [head] [upgrade] [http10]
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../src/parser/response.h"

int
main(int argc, char **argv)
{
	static const char *const	names[] = {
		[RESPONSE_MORE] = "more",
		[RESPONSE_END] = "end",
		[RESPONSE_LAST] = "last",
		[RESPONSE_TUNNEL] = "tunnel"
	};
	static uint8_t			bytes[1024 * 1024];
	struct response			response;
	struct response_to		to;
	enum response_state		state;
	uint64_t			grant;
	size_t				n;
	int				i;

	memset(&to, 0, sizeof(to));
	for (i = 1; i < argc; i++) {
		to.head = to.head || strcmp(argv[i], "head") == 0;
		to.upgrade = to.upgrade || strcmp(argv[i], "upgrade") == 0;
		to.http10 = to.http10 || strcmp(argv[i], "http10") == 0;
	}
	n = fread(bytes, 1, sizeof(bytes), stdin);
	if (ferror(stdin) || n == sizeof(bytes))
		return 1;
	response_begin(&response, &to);
	state = response_read(&response, bytes, n, &grant);
	printf("%s %" PRIu64 "%s%s\n", names[state], grant,
	    state == RESPONSE_END && response_last(&response) ? " last" : "",
	    response.odd || response.coded.odd ? " odd" : "");
	return 0;
}
