/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "../common/states.h"
#include "steps.h"

void
steps_write(char text[LINE_TEXT_MAX], const struct log_record *record,
    unsigned int shard)
{
	(void)snprintf(text, LINE_TEXT_MAX, "step front=%u connection=%u "
	    "state=%s event=%s action=%s next=%s", shard, record->id,
	    state_name(record->state), event_name(record->event),
	    action_name(record->action), state_name(record->next));
}
