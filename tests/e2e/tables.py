# SPDX-License-Identifier: ISC
"""Tables of states: as a program prints them, as DESIGN.md has them, and what
must be true of any."""
import re
import subprocess

import harness

DESIGN = harness.TOP / 'DESIGN.md'


class Machine:
    """A table, as tests/unit/states.c or pair_states.c prints it."""

    def __init__(self, program):
        self.states, self.events, self.actions = {}, [], {}
        self.cells = {}
        text = subprocess.run([harness.BUILD / 'tests' / program], check=True,
                              capture_output=True, text=True).stdout
        for line in text.splitlines():
            kind, name, *more = line.split()
            if kind == 'state':
                self.states[name] = int(more[0])
            elif kind == 'event':
                self.events.append(name)
            elif kind == 'action':
                self.actions[name] = set(more)
            else:
                event, *cell = more
                self.cells[name, event] = tuple(cell)

    def following(self, state):
        return {cell[1] for (at, _), cell in self.cells.items() if at == state}


class Section:
    """The section of DESIGN.md that has this heading."""

    def __init__(self, heading):
        text = DESIGN.read_text()
        self.text = re.split(r'\n##+ ', text[text.index(heading):])[0]

    def cells(self):
        """The indented lines of the first block: event, action, next state
        and what else there is, below the line that begins with their state."""
        cells, state = {}, None
        for line in self.text.split('```')[1].strip('\n').splitlines():
            if not line.startswith(' '):
                state = line.split()[0]
                continue
            event, *cell = line.split()
            assert (state, event) not in cells, line
            cells[state, event] = tuple(cell)
        return cells

    def names(self, head):
        """The first column of the table with this first heading."""
        table = self.text.split(f'| {head} |')[1].split('\n\n')[0]
        return re.findall(r'^\| ([A-Z_]+) \|', table, re.MULTILINE)


def declared(header, enum):
    """The enumerators of a header, without prefix."""
    body = re.search(r'enum %s \{(.*?)\n\};' % enum, header.read_text(),
                     re.DOTALL)[1]
    return re.findall(r'^\t[A-Z]+?_(\w+),', body, re.MULTILINE)


class Tables:
    """Mixed into the tests of one machine: program, header, heading, first
    (the state in which all begins and ends) and enums, of its states, events
    and actions."""
    maxDiff = None
    elsewhere = {}      # outcomes that some states alone can have: which

    @classmethod
    def setUpClass(cls):
        cls.machine = Machine(cls.program)
        cls.section = Section(cls.heading)

    def test_design_has_the_same_table(self):
        self.assertEqual(self.section.cells(), self.machine.cells)

    def test_design_says_what_each_name_means(self):
        self.assertEqual(self.section.names('state'),
                         list(self.machine.states))
        self.assertEqual(self.section.names('event'), self.machine.events[1:])
        self.assertEqual(self.section.names('action'),
                         list(self.machine.actions))

    def test_all_have_the_names_that_they_are_declared_with(self):
        for enum, names in zip(self.enums, (
                list(self.machine.states), self.machine.events,
                list(self.machine.actions))):
            self.assertEqual(names, declared(self.header, enum))
            self.assertEqual(len(names), len(set(names)))

    def test_every_state_is_reached_from_the_first(self):
        reached, new = set(), {self.first}
        while new:
            reached |= new
            new = set().union(*map(self.machine.following, new)) - reached
        self.assertEqual(reached, set(self.machine.states))

    def test_every_state_leads_to_the_end(self):
        ends, more = set(), {self.first}
        while more:
            ends |= more
            more = {state for state in self.machine.states
                    if self.machine.following(state) & ends} - ends
        self.assertEqual(ends, set(self.machine.states))

    def test_every_action_and_every_event_is_used(self):
        self.assertEqual({cell[0] for cell in self.machine.cells.values()},
                         set(list(self.machine.actions)[1:]))
        self.assertEqual({event for _, event in self.machine.cells},
                         set(self.machine.events[1:]))

    def test_every_outcome_has_a_cell(self):
        """Whatever an action may say of how it went, the state that it is
        done in knows what follows."""
        for (state, event), (action, following, *_) in \
                self.machine.cells.items():
            outcomes = self.machine.actions[action]
            self.assertTrue(outcomes, action)
            for outcome in outcomes - {self.machine.events[0]}:
                if following in self.elsewhere.get(outcome, {following}):
                    self.assertIn((following, outcome), self.machine.cells,
                                  f'{state} {event} {action}')

    def test_every_outcome_belongs_to_an_action(self):
        """What stands below "how an action went" in the header is said by
        one, and what comes from outside by none."""
        inside = self.header.read_text().split('/* how an action went */')[1]
        inside = re.findall(r'^\t[A-Z]+?_(\w+),', inside.split('\n};')[0],
                            re.MULTILINE)
        said = set().union(*self.machine.actions.values())
        self.assertEqual(said - {self.machine.events[0]}, set(inside))

    def test_a_timer_is_an_event_where_it_runs_and_nowhere_else(self):
        self.assertEqual({state for state, event in self.machine.cells
                          if event == 'TIMER'},
                         {state for state, timer in
                          self.machine.states.items() if timer})
