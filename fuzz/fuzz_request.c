/* SPDX-License-Identifier: ISC */
/*
 * request_parse(): the answer does not depend on where the bytes were cut,
 * and a name that comes out is one that the parent takes.
 */
#include <stdlib.h>
#include <string.h>

#include "../src/parser/request.h"

int	LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_whole(const struct request *request, size_t n)
{
	struct hostname name;

	must(request->size > 0 && request->size <= n);
	must(request->size <= REQUEST_HEAD_MAX);
	must((request->body == BODY_LENGTH) == (request->length > 0));
	must(request->length <= INT64_MAX);
	if (request->target == TARGET_NAMED)
		must(hostname_check(&name, &request->name) == 0);
	else
		must(request->name.text[0] == '\0');
}

static bool
same(const struct request *a, const struct request *b)
{
	return a->target == b->target && a->size == b->size &&
	    a->body == b->body && a->length == b->length &&
	    a->last == b->last && a->http10 == b->http10 &&
	    a->head == b->head && a->upgrade == b->upgrade &&
	    a->expect == b->expect &&
	    memcmp(&a->name, &b->name, sizeof(a->name)) == 0;
}

static void
check_cut(const uint8_t *bytes, size_t k, enum request_state whole,
    const struct request *full)
{
	enum request_state	 state;
	struct request		 request;
	uint8_t			*copy;

	/* A block of its own, for ASan to see a read too far. */
	if ((copy = malloc(k == 0 ? 1 : k)) == NULL)
		return;
	memcpy(copy, bytes, k);
	state = request_parse(copy, k, &request);
	free(copy);
	if (state == REQUEST_PART)
		must(whole != REQUEST_WHOLE || k < full->size);
	else
		must(state == whole && same(&request, full));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const struct request	none;
	enum request_state		state;
	struct request			request;
	size_t				k, step = n / 16 + 1;

	state = request_parse(bytes, n, &request);
	if (state == REQUEST_WHOLE)
		check_whole(&request, n);
	else
		must(same(&request, &none));
	for (k = 0; k < n; k += step)
		check_cut(bytes, k, state, &request);
	if (n > 0)
		check_cut(bytes, n - 1, state, &request);
	if (state != REQUEST_WHOLE)
		return 0;
	check_cut(bytes, request.size - 1, state, &request);
	check_cut(bytes, request.size, state, &request);
	return 0;
}
