/* SPDX-License-Identifier: ISC */
/*
 * What a first flight asks for, by one way of reading the hello or by both.
 */
#include <stdbool.h>
#include <string.h>

#include "../common/refusal.h"
#include "flight.h"
#include "hello.h"
#include "hello_bearssl.h"
#include "tls.h"

static enum hello_kind (*read_hello)(const uint8_t *, size_t,
    struct hello *) = hello_cursor;
static bool disagreed;

/*
 * Both engines must say the same where the connection would be let through.
 * Where the cursor refuses, its refusal stands: BearSSL forgives more.
 */
static enum hello_kind
hello_both(const uint8_t *bytes, size_t n, struct hello *hello)
{
	struct hello	second;
	enum hello_kind	first_kind, second_kind;

	first_kind = hello_cursor(bytes, n, hello);
	if (first_kind != HELLO_NAMED && first_kind != HELLO_NAMELESS)
		return first_kind;
	second_kind = hello_bearssl(bytes, n, &second);
	disagreed = first_kind != second_kind ||
	    memcmp(&hello->name, &second.name, sizeof(second.name)) != 0 ||
	    (hello->acme && !second.acme);
	return disagreed ? HELLO_MALFORMED : first_kind;
}

int
tls_engine(const char *engine)
{
	if (engine == NULL || strcmp(engine, "cursor") == 0)
		read_hello = hello_cursor;
	else if (strcmp(engine, "bearssl") == 0)
		read_hello = hello_bearssl;
	else if (strcmp(engine, "both") == 0)
		read_hello = hello_both;
	else
		return -1;
	return 0;
}

static enum tls_look
refuse(struct verdict *verdict, enum refusal refusal)
{
	verdict->code = VERDICT_REFUSED;
	verdict->refusal = (uint8_t)refusal;
	return TLS_VERDICT;
}

static enum tls_look
pass(struct verdict *verdict, enum verdict_code code, bool acme)
{
	verdict->code = (uint8_t)code;
	verdict->acme = acme;
	return TLS_VERDICT;
}

static enum tls_look
look_at_hello(const uint8_t *bytes, size_t n, struct verdict *verdict)
{
	struct hello	hello;
	enum hello_kind	kind;

	disagreed = false;
	kind = read_hello(bytes, n, &hello);
	switch (kind) {
	case HELLO_NAMED:
		verdict->name = hello.name;
		return pass(verdict, VERDICT_NAMED, hello.acme);
	case HELLO_NAMELESS:
		return pass(verdict, VERDICT_NAMELESS, hello.acme);
	case HELLO_BAD_NAME:
		return refuse(verdict, refusal_of_name(hello.fault));
	case HELLO_MALFORMED:
		break;
	}
	return refuse(verdict,
	    disagreed ? REFUSAL_DISAGREE : REFUSAL_MALFORMED);
}

enum tls_look
tls_look(const uint8_t *bytes, size_t n, struct verdict *verdict,
    size_t *missing)
{
	struct flight flight;

	switch (flight_measure(bytes, n, &flight)) {
	case FLIGHT_WHOLE:
		return look_at_hello(bytes, flight.size, verdict);
	case FLIGHT_PART:
		*missing = flight.missing;
		return TLS_WAIT;
	case FLIGHT_NOT_HELLO:
		return refuse(verdict, REFUSAL_NOT_HELLO);
	case FLIGHT_OVERFLOW:
		return refuse(verdict, REFUSAL_OVERFLOW);
	case FLIGHT_TOO_LONG:
		return refuse(verdict, REFUSAL_TOO_LARGE);
	case FLIGHT_MALFORMED:
		break;
	}
	return refuse(verdict, REFUSAL_MALFORMED);
}
