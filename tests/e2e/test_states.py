# SPDX-License-Identifier: ISC
"""The state machine of a connection: the program's table against DESIGN.md's,
and what must be true of any such table."""
import re
import subprocess

import harness

DESIGN = harness.TOP / 'DESIGN.md'
HEADER = harness.TOP / 'src' / 'common' / 'states.h'
SECTION = '### The state machine of a connection'
FIRST = 'FREE'          # a connection begins and ends here

# Where a parser or a relay may have something of the connection, and so may
# die with it.
WITHOUT_PARSER = {'FREE', 'UNSHOWN', 'PASSING'}
WITH_RELAY = {'ATTACHED', 'RESOLVING_NEXT', 'BACKLOGGED_NEXT', 'LEAVING'}


class Machine:
    """states.c, as tests/unit/states.c prints it."""

    def __init__(self, text):
        self.states, self.events, self.actions = {}, [], {}
        self.cells = {}
        for line in text.splitlines():
            kind, name, *more = line.split()
            if kind == 'state':
                self.states[name] = int(more[0])
            elif kind == 'event':
                self.events.append(name)
            elif kind == 'action':
                self.actions[name] = set(more)
            else:
                event, action, following = more
                self.cells[name, event] = (action, following)


def printed():
    done = subprocess.run([harness.BUILD / 'tests' / 'states'], check=True,
                          capture_output=True, text=True)
    return Machine(done.stdout)


def section():
    text = DESIGN.read_text()
    return text[text.index(SECTION):].split('\n## ')[0]


def documented_cells():
    """The indented lines of the section's first block: event, action, next
    state, below the line that begins with their state."""
    cells, state = {}, None
    for line in section().split('```')[1].strip('\n').splitlines():
        if not line.startswith(' '):
            state = line.split()[0]
            continue
        event, action, following = line.split()
        assert (state, event) not in cells, line
        cells[state, event] = (action, following)
    return cells


def documented_names(head):
    """The first column of the table with this first heading."""
    table = section().split(f'| {head} |')[1].split('\n\n')[0]
    return re.findall(r'^\| ([A-Z_]+) \|', table, re.MULTILINE)


def declared(enum):
    """The enumerators of states.h, without prefix."""
    body = re.search(r'enum %s \{(.*?)\n\};' % enum, HEADER.read_text(),
                     re.DOTALL)[1]
    names = re.findall(r'^\t[A-Z]+?_(\w+),?', body, re.MULTILINE)
    return [name for name in names if name != 'COUNT']


class States(harness.unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.machine = printed()

    def following(self, state):
        return {to for (at, _), (_, to) in self.machine.cells.items()
                if at == state}

    def test_design_has_the_same_table(self):
        self.assertEqual(documented_cells(), self.machine.cells)

    def test_design_says_what_each_name_means(self):
        self.assertEqual(documented_names('state'), list(self.machine.states))
        self.assertEqual(documented_names('event'), self.machine.events[1:])
        self.assertEqual(documented_names('action'),
                         list(self.machine.actions))

    def test_all_have_the_names_that_they_are_declared_with(self):
        for enum, names in (
                ('connection_state', list(self.machine.states)),
                ('connection_event', self.machine.events),
                ('connection_action', list(self.machine.actions))):
            self.assertEqual(names, declared(enum))
            self.assertEqual(len(names), len(set(names)))

    def test_every_state_is_reached_from_the_first(self):
        reached, new = set(), {FIRST}
        while new:
            reached |= new
            new = set().union(*map(self.following, new)) - reached
        self.assertEqual(reached, set(self.machine.states))

    def test_every_state_leads_to_the_end(self):
        ends, more = set(), {FIRST}
        while more:
            ends |= more
            more = {state for state in self.machine.states
                    if self.following(state) & ends} - ends
        self.assertEqual(ends, set(self.machine.states))

    def test_every_action_and_every_event_is_used(self):
        self.assertEqual({action for action, _ in self.machine.cells.values()},
                         set(self.machine.actions) - {'BROKEN'})
        self.assertEqual({event for _, event in self.machine.cells},
                         set(self.machine.events) - {'NONE'})

    def test_every_outcome_has_a_cell(self):
        """Whatever an action may say of how it went, the state that it is
        done in knows what follows."""
        for (state, event), (action, following) in self.machine.cells.items():
            outcomes = self.machine.actions[action]
            self.assertTrue(outcomes, action)
            for outcome in outcomes - {'NONE'}:
                self.assertIn((following, outcome), self.machine.cells,
                              f'{state} {event} {action}')

    def test_every_outcome_belongs_to_an_action(self):
        """What stands below "how an action went" in states.h is said by one,
        and what comes from outside by none."""
        outside, inside = HEADER.read_text().split(
            '/* how an action went */')
        inside = set(re.findall(r'^\tEVENT_(\w+),', inside, re.MULTILINE))
        said = set().union(*self.machine.actions.values())
        self.assertEqual(said - {'NONE'}, inside - {'COUNT'})
        self.assertNotIn('EVENT_TRY_LATER', outside)

    def test_a_timer_is_an_event_where_it_runs_and_nowhere_else(self):
        self.assertEqual({state for state, event in self.machine.cells
                          if event == 'TIMER'},
                         {state for state, timer in
                          self.machine.states.items() if timer})

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
             if to == FIRST}, {'FREE', 'LEAVE'})
        for action, to in self.machine.cells.values():
            self.assertEqual(action in ('FREE', 'LEAVE'), to == FIRST)

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
