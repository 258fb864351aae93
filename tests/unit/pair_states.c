/* SPDX-License-Identifier: ISC */
/*
 * Prints the state machine of src/relay/pair_states.c, for
 * test_pair_states.py:
 *
 *	state NAME TIMER
 *	event NAME
 *	action NAME EVENT...		how it may go
 *	cell STATE EVENT ACTION NEXT ENDING
 */
#include <stdio.h>

#include "../../src/relay/pair_states.h"

static const char *
ending_name(enum ending ending)
{
	switch (ending) {
	case ENDING_NONE:
		return "-";
	case ENDING_WHOLE:
		return "whole";
	case ENDING_CLIENT:
		return "client";
	case ENDING_TENANT:
		return "tenant";
	case ENDING_REFUSED:
		return "refused";
	case ENDING_IDLE:
		return "idle";
	case ENDING_RELAY:
		return "relay";
	case ENDING_COUNT:
		break;
	}
	return "?";
}

static void
cells_print(unsigned int state)
{
	const struct pair_cell	*cell;
	unsigned int		 event;

	for (event = 0; event < PAIR_EVENTS; event++) {
		cell = &pair_cells[state][event];
		if (pair_allows((enum pair_state)state,
		    (enum pair_event)event))
			printf("cell %s %s %s %s %s\n", pair_state_name(state),
			    pair_event_name(event),
			    pair_action_name(cell->action),
			    pair_state_name(cell->next),
			    ending_name(cell->ending));
	}
}

static void
action_print(unsigned int action)
{
	unsigned int event;

	printf("action %s", pair_action_name(action));
	for (event = 0; event < PAIR_EVENTS; event++) {
		if ((pair_action_events[action] & 1U << event) != 0)
			printf(" %s", pair_event_name(event));
	}
	printf("\n");
}

int
main(void)
{
	unsigned int i;

	for (i = 0; i < PAIR_STATES; i++)
		printf("state %s %d\n", pair_state_name(i),
		    (int)pair_state_timers[i]);
	for (i = 0; i < PAIR_EVENTS; i++)
		printf("event %s\n", pair_event_name(i));
	for (i = 0; i < PAIR_ACTIONS; i++)
		action_print(i);
	for (i = 0; i < PAIR_STATES; i++)
		cells_print(i);
	return 0;
}
