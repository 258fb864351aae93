/* SPDX-License-Identifier: ISC */
/*
 * A usherd-http that can be told to misbehave, for tests only.  Linked with
 * the objects of usherd-http and -Wl,--wrap=request_parse: misled.h.
 */
#include <sys/syscall.h>

#include <string.h>
#include <unistd.h>

#include "../../src/parser/request.h"
#include "attacks.h"
#include "misled.h"

enum request_state	__real_request_parse(const uint8_t *, size_t,
			    struct request *);
enum request_state	__wrap_request_parse(const uint8_t *, size_t,
			    struct request *);

/* What it may because it is one of a pair. */
static void
rights(void)
{
	static char byte;

	(void)syscall(SYS_write, CHILD_GRANT, &byte, 0);
	(void)syscall(SYS_read, CHILD_PROGRESS, &byte, 0);
}

enum request_state
__wrap_request_parse(const uint8_t *bytes, size_t n, struct request *request)
{
	enum request_state	 state;
	const char		*name;

	state = __real_request_parse(bytes, n, request);
	if (state != REQUEST_WHOLE || request->target != TARGET_NAMED ||
	    strncmp(request->name.text, "eyes-", 5) != 0)
		return state;
	name = request->name.text + 5;
	if (strncmp(name, "rights.", 7) == 0)
		rights();
	parser_misled(EYES, name);
	grants_misled(name);
	return state;
}
