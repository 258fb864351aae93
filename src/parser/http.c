/* SPDX-License-Identifier: ISC */
/*
 * usherd-http: the name is the Host of the first request.
 */
#include "../common/refusal.h"
#include "protocol.h"
#include "request.h"

const size_t protocol_window = REQUEST_HEAD_MAX + 1;

int
protocol_engine(const char *engine)
{
	return engine == NULL ? 0 : -1;
}

static enum look
refuse(struct verdict *verdict, enum refusal refusal)
{
	verdict->code = VERDICT_REFUSED;
	verdict->refusal = (uint8_t)refusal;
	return LOOK_VERDICT;
}

static enum look
look_at_request(const struct request *request, struct verdict *verdict)
{
	verdict->grant = GRANT_UNLIMITED;
	switch (request->target) {
	case TARGET_NAMED:
		verdict->code = VERDICT_NAMED;
		verdict->name = request->name;
		return LOOK_VERDICT;
	case TARGET_NAMELESS:
		verdict->code = VERDICT_NAMELESS;
		return LOOK_VERDICT;
	case TARGET_BAD_NAME:
		break;
	}
	return refuse(verdict, REFUSAL_BAD_NAME);
}

enum look
protocol_look(const uint8_t *bytes, size_t n, struct verdict *verdict,
    size_t *missing)
{
	struct request request;

	switch (request_parse(bytes, n, &request)) {
	case REQUEST_WHOLE:
		return look_at_request(&request, verdict);
	case REQUEST_PART:
		*missing = 1;
		return LOOK_WAIT;
	case REQUEST_CONNECT:
		return refuse(verdict, REFUSAL_METHOD);
	case REQUEST_TOO_LARGE:
		return refuse(verdict, REFUSAL_TOO_LARGE);
	case REQUEST_CODING:
		return refuse(verdict, REFUSAL_CODING);
	case REQUEST_VERSION:
		return refuse(verdict, REFUSAL_VERSION);
	case REQUEST_BAD:
		break;
	}
	return refuse(verdict, REFUSAL_MALFORMED);
}
