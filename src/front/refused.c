/* SPDX-License-Identifier: ISC */
#include <sys/socket.h>

#include <string.h>

#include "counts.h"
#include "log.h"
#include "refused.h"

_Static_assert((int)LOG_AT_MAX == (int)PLACE_TEXT_MAX, "a place fits");

/* Only what the log process lets through; of another family, nothing. */
static void
client_put(struct log_record *record, const struct sockaddr_in6 *client)
{
	struct sockaddr_in v4;

	if (client->sin6_family == AF_INET6) {
		record->client = *client;
		record->client.sin6_flowinfo = 0;
	} else if (client->sin6_family == AF_INET) {
		memcpy(&v4, client, sizeof(v4));
		memset(v4.sin_zero, 0, sizeof(v4.sin_zero));
		memcpy(&record->client, &v4, sizeof(v4));
	}
}

static void
tenant_put(struct log_record *record, const struct found *found)
{
	const struct place *place = &found->place;

	memcpy(record->entry, found->entry,
	    strnlen(found->entry, sizeof(record->entry) - 1));
	if (place->needs == 0 && record->entry[0] == '\0')
		return;		/* where it was says nothing */
	memcpy(record->at, place->at,
	    strnlen(place->at, sizeof(record->at) - 1));
	if (place->needs == 0)
		return;
	record->needs = (uint32_t)place->needs;
	record->mode = place->mode & LOG_MODE_MAX;
	record->uid = place->uid;
	record->gid = place->gid;
}

void
refused_log(enum protocol protocol, const struct ends *ends,
    const struct hostname *name, enum refusal refusal,
    const struct found *found)
{
	struct log_record record;

	count_refused(protocol, refusal);
	memset(&record, 0, sizeof(record));
	record.kind = LOG_REFUSED;
	record.protocol = protocol;
	record.refusal = refusal;
	client_put(&record, &ends->client);
	if (name != NULL) {
		record.named = 1;
		record.name = *name;
	}
	if (found != NULL)
		tenant_put(&record, found);
	log_send(&record);
}
