# SPDX-License-Identifier: ISC
"""What our programs call of libraries, before and behind their filters, and
whether the filters have rules for it: symbols.txt against the objects."""
import functools
import re

import callgraph
import harness
import held
from buildmk import linked, sources

LIST = harness.TOP / 'tests' / 'e2e' / 'symbols.txt'
FILTERS = {
    'usherd-front': ('seccomp_front.c',),
    'usherd-tls': ('seccomp_parser.c', 'seccomp_tls.c'),
    'usherd-http': ('seccomp_parser.c', 'seccomp_http.c'),
    'usherd-relay': ('seccomp_relay.c',),
    'usherd-log': ('seccomp_log.c',),
}
BEHIND = {'seccomp_release'}    # sandbox_enter_...() itself, at its end
MEMORY = {'malloc', 'calloc', 'realloc', 'reallocarray', 'strdup', 'free',
          'fopen', 'asprintf', 'vasprintf', 'getline'}


class Listed:
    """symbols.txt."""

    def __init__(self):
        text = re.sub(r'^#.*\n', '', LIST.read_text(), flags=re.MULTILINE)
        parts = re.split(r'^== (\S+)\n', text, flags=re.MULTILINE)
        self.sections = dict(zip(parts[1::2], parts[2::2]))
        self.anywhere = self.sections.pop('anywhere').split()
        self.calls, self.kernel = {}, set()
        for line in self.sections.pop('calls').split('\n'):
            if line:
                self.add_calls(*line.split(';')[0].split(':'))
        self.programs = {name: dict(self.fields(body))
                         for name, body in self.sections.items()}

    def add_calls(self, symbol, calls):
        if symbol == 'kernel':
            self.kernel |= set(calls.split())
            return
        assert symbol not in self.calls, symbol
        self.calls[symbol] = set(calls.split()) - {'-'}

    def fields(self, body):
        for name, words in re.findall(r'^(\w+):((?:.*\n)(?: .*\n)*)', body,
                                      re.MULTILINE):
            words = words.split()
            assert len(words) == len(set(words)), words
            yield name, set(words)


LISTED = Listed()


def plain(name):
    """What the source says for a symbol; fortified ones have other names."""
    return re.sub(r'^__isoc\d+_', '', re.sub(r'^__(\w+)_chk$', r'\1', name))


def plainly(names):
    return {plain(name) for name in names} - set(LISTED.anywhere) - \
        {'_GLOBAL_OFFSET_TABLE_'}


def libraries(functions):
    return {name for where, name in functions if where is None}


@functools.lru_cache(maxsize=None)
def graph(program):
    return callgraph.Program(linked(program))


def needed(program):
    """What all objects of a program together want of libraries."""
    objects = graph(program).objects
    given = {name for each in objects for name in each.exported}
    return plainly(set().union(*(each.foreign for each in objects)) - given)


def behind(program):
    """What a program can call once its filter is in force."""
    listed, calls = LISTED.programs[program], graph(program)
    main = (calls.exports['main'], 'main')
    direct = calls.calls[main] | calls.takes[main]
    ours = {function for function in calls.roots | direct
            if function[0] is not None}
    reached = calls.reached(ours, listed['starts'])
    return plainly(libraries(reached) | BEHIND) | \
        plainly(libraries(direct)) - listed['main']


def rules(*names):
    """The system calls that files of sandbox/ have rules for."""
    return set().union(*map(rules_of, names))


def rules_of(name):
    text = (harness.TOP / 'sandbox' / name).read_text()
    text = re.sub(r'/\*.*?\*/', '', text, flags=re.DOTALL)
    found = set(re.findall(r'\bALLOW(?:_IF)?\((\w+)', text))
    for either in re.findall(r'\bEITHER\((\w+), (\w+)\)', text):
        found |= set(either)
    if name != 'seccomp.c' and 'seccomp_allow_close(' in text:
        found.add('close')
    if name != 'seccomp.c' and 'seccomp_allow_base(' in text:
        found |= rules_of('seccomp.c')
    return found


@harness.unittest.skipUnless((harness.BUILD / 'front_main.o').exists(),
                             'the objects are not here')
@harness.unittest.skipUnless(held.as_shipped(), 'a sanitizer calls much more')
class Lists(harness.unittest.TestCase):
    maxDiff = None

    def test_every_program_is_listed(self):
        self.assertEqual(set(LISTED.programs), {'usherd', *FILTERS})

    def test_launcher(self):
        self.assertEqual(needed('usherd'), LISTED.programs['usherd']['all'])

    def test_all_that_is_needed_is_listed(self):
        """And nothing that is listed is needed by nobody."""
        for program in FILTERS:
            with self.subTest(program):
                listed = LISTED.programs[program]
                self.assertEqual(listed['after'] & listed['start'], set())
                self.assertEqual(needed(program) | BEHIND,
                                 listed['after'] | listed['start'])

    def test_behind_the_filter(self):
        """What can be reached there is what is said to be."""
        for program in FILTERS:
            with self.subTest(program):
                self.assertEqual(behind(program),
                                 LISTED.programs[program]['after'])

    def test_starts_are_starts(self):
        """Nobody but main() and other starts can call them."""
        for program in FILTERS:
            calls, listed = graph(program), LISTED.programs[program]
            taken = {name for _, name in calls.roots}
            text = (harness.TOP / sources(program)[calls.exports['main']]
                    ).read_text()
            before = text[:text.rindex('sandbox_enter_')]
            for name in listed['starts']:
                with self.subTest(program, function=name):
                    self.assertNotIn(name, taken)
                    self.assertLessEqual(calls.callers(name),
                                         listed['starts'] | {'main'})
                    if not name.startswith('sandbox_enter_'):
                        self.assertRegex(text, rf'\b{name}\(')

    def test_main_calls_starts_first(self):
        """In the text of main(): every start stands before what enters the
        filter, and not after it."""
        for program in FILTERS:
            calls, listed = graph(program), LISTED.programs[program]
            text = (harness.TOP / sources(program)[calls.exports['main']]
                    ).read_text()
            body = text[text.index('\nmain(int argc'):]
            enter = re.search(r'\b(sandbox_enter_|confine_front)\w*\(', body)
            behind_it = set(re.findall(r'\b(\w+)\(', body[enter.end():]))
            with self.subTest(program):
                self.assertEqual(behind_it & listed['starts'] -
                                 {'answers_list'}, set())
                self.assertEqual(behind_it & listed['main'], set())

    def test_calls_are_known_and_used(self):
        """Each has its system calls, and none is written of in vain."""
        after = set().union(*(LISTED.programs[program]['after']
                              for program in FILTERS))
        self.assertEqual(after, set(LISTED.calls))


class Filters(harness.unittest.TestCase):
    maxDiff = None

    def test_what_is_called_is_allowed(self):
        for program, names in FILTERS.items():
            allowed = rules(*names)
            for symbol in LISTED.programs[program]['after']:
                with self.subTest(program, symbol=symbol):
                    self.assertLessEqual(LISTED.calls[symbol], allowed)

    def test_what_is_allowed_is_called(self):
        """No rule is there for nobody."""
        for program, names in FILTERS.items():
            with self.subTest(program):
                called = set().union(*(
                    LISTED.calls[symbol]
                    for symbol in LISTED.programs[program]['after']))
                self.assertEqual(rules(*names) - called - LISTED.kernel, set())


@harness.unittest.skipUnless((harness.BUILD / 'query.o').exists(),
                             'the objects are not here')
class Threads(harness.unittest.TestCase):
    def test_take_no_memory(self):
        """Memory of a second thread would be an arena of its own; and
        libevent has no locks here."""
        calls = graph('usherd-front')
        # backend.c asks the account of hand-offs only when nobody waits.
        reached = calls.reached({('query', 'look_up')}, {'handoff_room'})
        self.assertIn(('hosts_linux', 'hosts_connect'), reached)
        self.assertEqual({name for name in plainly(libraries(reached))
                          if name in MEMORY or name.startswith('event_')},
                         set())


if __name__ == '__main__':
    harness.unittest.main()
