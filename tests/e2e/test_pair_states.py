# SPDX-License-Identifier: ISC
"""The state machine of a connection in a relay: the program's table against
DESIGN.md's, and what must be true of it."""
import re

import harness
import tables

# usherd-http has it, too, and may die.
FOLLOWED = {'EXCHANGE', 'HURRIED', 'STOPPED'}
# usherd-http has let go of it before it died.
LET_GO = {'FINISHING', 'LAST', 'WARY', 'PRESSED', 'TUNNEL'}
# It is told of exchanges no more.
ALONE = LET_GO | {'ORPHANED', 'GOODBYE'}
TOLD = {'GRANT', 'STOP', 'HURRY', 'CALM', 'FINISH', 'LAST', 'WARY', 'TUNNEL',
        'CUT'}


class PairStates(tables.Tables, harness.unittest.TestCase):
    program = 'pair_states'
    header = harness.TOP / 'src' / 'relay' / 'pair_states.h'
    heading = '### The state machine of a pair'
    first = 'FREE'
    enums = 'pair_state', 'pair_event', 'pair_action'
    # Both directions are over only where the tenant's end has been passed on.
    elsewhere = {'OVER': {'TUNNEL'}, 'READ_ENDED': {'TUNNEL'}}

    def where(self, event):
        return {state for state, what in self.machine.cells if what == event}

    def test_usherd_http_does_not_die_unheard(self):
        self.assertEqual(self.where('PARSER_LOST'), FOLLOWED | LET_GO)
        for state in FOLLOWED:
            self.assertEqual(self.machine.cells[state, 'PARSER_LOST'][1],
                             'ORPHANED')
        for state in LET_GO:
            self.assertEqual(self.machine.cells[state, 'PARSER_LOST'][1],
                             state)

    def test_no_grant_where_nobody_may_say_one(self):
        """Once usherd-http has let go, or has died, it cannot speak of it."""
        for event in TOLD:
            self.assertEqual(self.where(event) & (ALONE | {'FREE'}), set(),
                             event)

    def test_a_backend_comes_only_where_exchanges_are_followed(self):
        """NEXT: elsewhere it ends the connection."""
        for state in self.where('NEXT'):
            action, following, _ = self.machine.cells[state, 'NEXT']
            self.assertEqual((action, following), ('SWITCH', 'EXCHANGE')
                             if state in FOLLOWED else ('CLOSE', 'FREE'))

    def test_an_end_is_passed_on_to_the_client_in_tunnels_only(self):
        """Which are left for no other state than an end."""
        self.assertEqual({(state, cell[1]) for (state, _), cell in
                          self.machine.cells.items()
                          if cell[0] == 'PASS_DOWN'}, {('TUNNEL', 'TUNNEL')})
        self.assertEqual(self.machine.following('TUNNEL'),
                         {'TUNNEL', 'GOODBYE', 'FREE'})

    def test_a_client_that_breaks_off_ends_it(self):
        """As no memory does, in each state that has one."""
        for event in ('CLIENT_BROKEN', 'EXHAUSTED'):
            self.assertEqual(self.where(event),
                             set(self.machine.states) - {self.first})
            for state in self.where(event):
                self.assertEqual(self.machine.cells[state, event][1],
                                 self.first)

    def test_every_end_says_how(self):
        """What leads to the end, or to the goodbye before it, has an ending,
        but for what was certain before."""
        for (state, event), (action, to, ending) in \
                self.machine.cells.items():
            if to in ('FREE', 'GOODBYE') and state != 'GOODBYE' and \
                    action != 'CUT':
                self.assertNotEqual(ending, '-', f'{state} {event}')

    def test_only_the_walk_sets_a_state(self):
        """pair->state is assigned in one place."""
        found = []
        for path in sorted((harness.TOP / 'src' / 'relay').glob('*.c')):
            found += [(path.name, line.strip())
                      for line in path.read_text().splitlines()
                      if re.search(r'pair\w*(->|\.)state\s*=[^=]', line)]
        self.assertEqual(len(found), 1, found)


if __name__ == '__main__':
    harness.unittest.main()
