/* SPDX-License-Identifier: ISC */
#include <sys/socket.h>

#include <stdio.h>
#include <string.h>

#include "../common/address.h"
#include "budget.h"
#include "counts.h"
#include "log.h"
#include "refused.h"

enum { TENANT_TEXT_MAX = HOSTNAME_MAX + PLACE_TEXT_MAX + 96 };

/* " entry=_default at=_default/tls-socket mode=0755 owner=1002:1002 needs=w" */
static void
tenant_write(char text[TENANT_TEXT_MAX], const struct found *found)
{
	const struct place	*place;
	int			 n = 0;

	text[0] = '\0';
	if (found == NULL)
		return;
	place = &found->place;
	if (found->entry[0] != '\0')
		n = snprintf(text, TENANT_TEXT_MAX, " entry=%s",
		    found->entry);
	if (place->needs != 0)
		(void)snprintf(text + n, TENANT_TEXT_MAX - (size_t)n,
		    " at=%s mode=%04o owner=%u:%u needs=%c", place->at,
		    (unsigned int)place->mode, (unsigned int)place->uid,
		    (unsigned int)place->gid, place->needs);
	else if (found->entry[0] != '\0' && place->at[0] != '\0')
		(void)snprintf(text + n, TENANT_TEXT_MAX - (size_t)n,
		    " at=%s", place->at);
}

void
refused_log(enum protocol protocol, const struct ends *ends,
    const struct hostname *name, enum refusal refusal,
    const struct found *found)
{
	const struct refusal_answer	*answer = refusal_answer(refusal);
	const struct sockaddr		*client;
	const bool			 tls = protocol == PROTOCOL_TLS;
	struct address_text		 address;
	char				 tenant[TENANT_TEXT_MAX];

	client = (const struct sockaddr *)&ends->client;
	count_refused(protocol, refusal);
	if (!budget_take(address_source(client),
	    address_network(client))) {
		log_lost();
		return;
	}
	address_write(&address, client);
	tenant_write(tenant, found);
	log_line("refused %s client=[%s]:%u host=%s reason=%s %s=%d%s%s%s",
	    tls ? "tls" : "http", address.host, address.port,
	    name == NULL ? "-" : name->text, answer->word,
	    tls ? "alert" : "status", tls ? answer->alert : answer->status,
	    answer->kind == NULL ? "" : " kind=",
	    answer->kind == NULL ? "" : answer->kind, tenant);
}
