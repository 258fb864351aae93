/* SPDX-License-Identifier: ISC */
/*
 * Gives one input, from the file named or from standard input, to a fuzz
 * target: for AFL, and to look at a crash without libFuzzer.
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_MAX = 1024 * 1024 };

int	LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
main(int argc, char **argv)
{
	static uint8_t	bytes[INPUT_MAX];
	const char     *name = argc > 1 ? argv[1] : "standard input";
	uint8_t	       *input;
	size_t		n;
	FILE	       *file = stdin;

	if (argc > 1 && (file = fopen(name, "rb")) == NULL)
		err(1, "%s", name);
	n = fread(bytes, 1, sizeof(bytes), file);
	if (ferror(file))
		err(1, "%s", name);
	/* it ends where the input ends, so that a sanitizer sees a read
	 * beyond; the byte before is there for an empty one */
	if ((input = malloc(n + 1)) == NULL)
		err(1, "%s", name);
	memcpy(input + 1, bytes, n);
	(void)LLVMFuzzerTestOneInput(input + 1, n);
	free(input);
	return 0;
}
