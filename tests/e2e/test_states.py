# SPDX-License-Identifier: ISC
"""The state machine of a connection in the front: the program's table against
DESIGN.md's, and what must be true of it."""
import re

import harness
import tables

# Where a parser or a relay may have something of the connection, and so may
# die with it.
WITHOUT_PARSER = {'FREE', 'UNSHOWN', 'PASSING'}
WITH_RELAY = {'ATTACHED', 'RESOLVING_NEXT', 'BACKLOGGED_NEXT', 'LEAVING'}


class States(tables.Tables, harness.unittest.TestCase):
    program = 'states'
    header = harness.TOP / 'src' / 'common' / 'states.h'
    heading = '### The state machine of a connection'
    first = 'FREE'
    enums = 'connection_state', 'connection_event', 'connection_action'

    def test_no_child_dies_unheard(self):
        states = set(self.machine.states)
        for event, where in (('PARSER_LOST', states - WITHOUT_PARSER),
                             ('RELAY_LOST', WITH_RELAY),
                             ('ENDED', WITH_RELAY)):
            self.assertEqual({state for state, what in self.machine.cells
                              if what == event}, where, event)

    def test_a_free_place_has_no_connection_to_free(self):
        """What frees a place leads to FREE, and nothing else does."""
        self.assertEqual(
            {action for action, to in self.machine.cells.values()
             if to == self.first}, {'FREE', 'LEAVE'})
        for action, to in self.machine.cells.values():
            self.assertEqual(action in ('FREE', 'LEAVE'), to == self.first)

    def test_only_the_walk_sets_a_state(self):
        """connection->state is assigned in one place."""
        found = []
        for path in sorted((harness.TOP / 'src' / 'front').glob('*.c')):
            found += [(path.name, line.strip())
                      for line in path.read_text().splitlines()
                      if re.search(r'connection\w*(->|\.)state\s*=[^=]', line)]
        self.assertEqual(found, [('machine.c',
                                  'connection->state = cell->next;')])


if __name__ == '__main__':
    harness.unittest.main()
