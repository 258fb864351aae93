/* SPDX-License-Identifier: ISC */
/*
 * flight_measure(), hello_cursor() and hello_bearssl(): a flight is judged the
 * same wherever it is cut, a hello the same in whatever records it comes, and
 * both engines say the same of a well-formed hello.  Where BearSSL may say
 * something else is foretold here, by a reader that has an easy life: it sees
 * the message in one piece, after the cursor found it well-formed.
 */
#include <stdlib.h>
#include <string.h>

#include "../src/parser/flight.h"
#include "../src/parser/hello.h"
#include "../src/parser/hello_bearssl.h"

enum {
	HEADER = 5,
	CUTS = 8,
	EXTENSION_SERVER_NAME = 0,
	EXTENSION_MAX_FRAGMENT = 1,
	EXTENSION_GROUPS = 10,
	EXTENSION_SIGNATURES = 13,
	EXTENSION_RENEGOTIATION = 0xff01,
	BEARSSL_NAME_MAX = 255
};

struct flat {
	uint8_t	bytes[FLIGHT_MAX];
	size_t	n;
};

struct foretold {
	bool	refused;	/* BearSSL does not like an extension */
	bool	other_name;	/* it does not see all of the name */
	bool	renegotiation;
};

int	LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static size_t
read16(const uint8_t *bytes)
{
	return (size_t)bytes[0] << 8 | bytes[1];
}

/* What is said of n bytes must fit what is said of the first k of them. */
static void
check_cut(const uint8_t *bytes, size_t n, size_t k)
{
	struct flight	  whole, part;
	enum flight_state state, cut;

	state = flight_measure(bytes, n, &whole);
	cut = flight_measure(bytes, k, &part);
	must(cut != FLIGHT_PART || (part.missing >= 1 &&
	    part.missing <= FLIGHT_MAX));
	must(cut != FLIGHT_WHOLE || (part.size >= 1 && part.size <= k));
	if (cut != FLIGHT_PART) {
		must(cut == state && part.size == whole.size);
		return;
	}
	if (state == FLIGHT_WHOLE)
		must(k < whole.size && part.missing <= whole.size - k);
	/* the bytes between were needed, at least */
	if (state == FLIGHT_PART)
		must(k + part.missing <= n + whole.missing);
}

static void
flatten(const uint8_t *bytes, size_t n, struct flat *flat)
{
	size_t at = 0, length;

	flat->n = 0;
	while (at < n) {
		length = read16(bytes + at + 3);
		at += HEADER;
		if (length > n - at)
			length = n - at;
		memcpy(flat->bytes + flat->n, bytes + at, length);
		flat->n += length;
		at += length;
	}
}

/* The message again, in records of size bytes.  To be freed. */
static uint8_t *
frame(const struct flat *flat, size_t size, size_t *n)
{
	uint8_t	*out = malloc(flat->n + HEADER * (flat->n / size + 1));
	size_t	 at, part;

	must(out != NULL);
	*n = 0;
	for (at = 0; at < flat->n; at += part) {
		part = flat->n - at < size ? flat->n - at : size;
		memcpy(out + *n, "\x16\x03\x01", 3);
		out[*n + 3] = (uint8_t)(part >> 8);
		out[*n + 4] = (uint8_t)part;
		memcpy(out + *n + HEADER, flat->bytes + at, part);
		*n += HEADER + part;
	}
	return out;
}

/* A list of 16-bit numbers that fills its extension. */
static bool
is_list16(const uint8_t *bytes, size_t n)
{
	return n >= 2 && read16(bytes) == n - 2 && n % 2 == 0;
}

/*
 * RFC 5746: BearSSL wants an empty one in a first handshake, takes a second
 * for a renegotiation and compares it with a Finished that is all zero.
 */
static bool
is_renegotiation(const uint8_t *bytes, size_t n, bool second)
{
	static const uint8_t zero[12];

	if (!second)
		return n == 1 && bytes[0] == 0;
	return n == 13 && bytes[0] == 12 && memcmp(bytes + 1, zero, 12) == 0;
}

/*
 * The cursor does not look into these extensions: they are the tenant's
 * affair.  BearSSL has no setting that would make it skip them.
 */
static void
foretell_extension(size_t type, const uint8_t *bytes, size_t n,
    struct foretold *told)
{
	if (type == EXTENSION_SERVER_NAME)
		/* behind list length, type and name length; BearSSL skips
		 * what is longer than its buffer and ends at a NUL */
		told->other_name = n - 5 > BEARSSL_NAME_MAX ||
		    memchr(bytes + 5, 0, n - 5) != NULL;
	else if (type == EXTENSION_MAX_FRAGMENT)
		told->refused |= n != 1 || bytes[0] < 1 || bytes[0] > 4;
	else if (type == EXTENSION_GROUPS || type == EXTENSION_SIGNATURES)
		told->refused |= !is_list16(bytes, n);
	else if (type == EXTENSION_RENEGOTIATION) {
		told->refused |= !is_renegotiation(bytes, n,
		    told->renegotiation);
		told->renegotiation = true;
	}
}

static void
foretell(const struct flat *flat, struct foretold *told)
{
	const uint8_t *bytes = flat->bytes;
	size_t	       at = 4 + 2 + 32, length;

	memset(told, 0, sizeof(*told));
	at += 1 + (size_t)bytes[at];		/* session id */
	at += 2 + read16(bytes + at);		/* cipher suites */
	at += 1 + (size_t)bytes[at];		/* compression methods */
	for (at += 2; at < flat->n; at += length) {
		length = read16(bytes + at + 2);
		at += 4;
		foretell_extension(read16(bytes + at - 4), bytes + at, length,
		    told);
	}
}

static void
compare(const struct flat *flat, const uint8_t *bytes, size_t n,
    const struct hello *hello, enum hello_kind kind)
{
	struct foretold	told;
	struct hello	second;
	enum hello_kind	second_kind = hello_bearssl(bytes, n, &second);

	/* BearSSL forgives what the cursor calls MALFORMED, and whether it
	 * may is asked nowhere: the cursor's refusal stands */
	if (kind == HELLO_MALFORMED)
		return;
	foretell(flat, &told);
	must((second_kind == HELLO_MALFORMED) == told.refused);
	if (told.refused)
		return;
	must(second.acme || !hello->acme);
	if (told.other_name) {
		must(kind == HELLO_BAD_NAME);
		return;
	}
	must(second_kind == kind);
	must(memcmp(&second.name, &hello->name, sizeof(second.name)) == 0);
}

static void
check_hello(const uint8_t *bytes, size_t n, size_t record)
{
	static struct flat flat;
	struct hostname	   checked;
	struct hello	   hello, again;
	enum hello_kind	   kind;
	uint8_t		  *framed, *exact = malloc(n);
	size_t		   size;

	must(exact != NULL);
	memcpy(exact, bytes, n);
	kind = hello_cursor(exact, n, &hello);
	must((kind == HELLO_NAMED) ==
	    (hostname_check(&checked, &hello.name) == 0));
	flatten(exact, n, &flat);
	framed = frame(&flat, record, &size);
	must(hello_cursor(framed, size, &again) == kind);
	must(memcmp(&again.name, &hello.name, sizeof(again.name)) == 0);
	must(again.acme == hello.acme);
	compare(&flat, exact, n, &hello, kind);
	compare(&flat, framed, size, &hello, kind);
	free(framed);
	free(exact);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct flight flight;
	struct hello  hello;
	uint32_t      chance = 2463534242u;
	size_t	      i;

	for (i = 0; i < n; i++)
		chance = (chance ^ bytes[i]) * 16777619u;
	for (i = 0; i < CUTS; i++) {
		check_cut(bytes, n, n == 0 ? 0 : chance % n);
		chance = chance * 1664525u + 1013904223u;
	}
	check_cut(bytes, n, n);
	/* it is never asked about these, but has to bear them */
	(void)hello_cursor(bytes, n, &hello);
	if (flight_measure(bytes, n, &flight) == FLIGHT_WHOLE)
		check_hello(bytes, flight.size, 1 + chance % 600);
	return 0;
}
