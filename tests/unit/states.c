/* SPDX-License-Identifier: ISC */
/*
 * Prints the state machine of src/common/states.c, for test_states.py:
 *
 *	state NAME TIMER
 *	event NAME
 *	action NAME EVENT...		how it may go
 *	cell STATE EVENT ACTION NEXT
 */
#include <stdio.h>

#include "../../src/common/states.h"

static void
cells_print(unsigned int state)
{
	const struct transition	*cell;
	unsigned int		 event;

	for (event = 0; event < EVENT_COUNT; event++) {
		cell = &transitions[state][event];
		if (state_allows((enum connection_state)state,
		    (enum connection_event)event))
			printf("cell %s %s %s %s\n", state_name(state),
			    event_name(event), action_name(cell->action),
			    state_name(cell->next));
	}
}

static void
action_print(unsigned int action)
{
	unsigned int event;

	printf("action %s", action_name(action));
	for (event = 0; event < EVENT_COUNT; event++) {
		if ((action_events[action] & 1U << event) != 0)
			printf(" %s", event_name(event));
	}
	printf("\n");
}

int
main(void)
{
	unsigned int i;

	for (i = 0; i < STATE_COUNT; i++)
		printf("state %s %d\n", state_name(i), (int)state_timers[i]);
	for (i = 0; i < EVENT_COUNT; i++)
		printf("event %s\n", event_name(i));
	for (i = 0; i < ACTION_COUNT; i++)
		action_print(i);
	for (i = 0; i < STATE_COUNT; i++)
		cells_print(i);
	/* Numbers that are none, as another process may send them. */
	return state_name(STATE_COUNT)[0] == '?' &&
	    event_name(EVENT_COUNT)[0] == '?' &&
	    action_name(ACTION_COUNT)[0] == '?' ? 0 : 1;
}
