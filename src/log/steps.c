/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "steps.h"

void
steps_write(char text[LINE_TEXT_MAX], const struct log_record *record,
    unsigned int shard)
{
	(void)snprintf(text, LINE_TEXT_MAX, "step front=%u connection=%u "
	    "state=%u event=%u action=%u next=%u", shard, record->id,
	    record->state, record->event, record->action, record->next);
}
