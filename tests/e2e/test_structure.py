# SPDX-License-Identifier: ISC
"""How the sources are laid out: rooms, headers, words, and no circles."""
import re
import subprocess

import harness
import held
from buildmk import linked, sources

PROGRAMS = ('usherd', 'usherd-front', 'usherd-tls', 'usherd-http',
            'usherd-relay', 'usherd-log')
ROOMS = ('usherd', 'front', 'log', 'parser', 'relay', 'child', 'common')

# Whose headers a room may include, beside its own.
NEIGHBOURS = {
    'usherd': {'common', 'sandbox'},
    'front': {'common', 'child', 'sandbox'},
    'log': {'common', 'child', 'sandbox'},
    'parser': {'common', 'child', 'sandbox'},
    'relay': {'common', 'child', 'sandbox'},
    'child': {'common', 'sandbox'},
    'common': set(),
}
# What tenants build with is what is sent to them.
PUBLIC = {('src/front/handoff.c', 'src/accept/usher_accept.h')}

# Not declared in a header of their own: main(), and what stands in for
# functions of <netdb.h>.
NO_HEADER = {'main.c', 'no_resolver.c'}
# The sandbox compares these addresses, and nobody else is to use them.
FOR_SANDBOX = {'src/front/hosts_linux.c': 'src/front/linux.h'}

# Words of before; "unpicked" is a reason of refusal and nothing else.
OLD_WORDS = re.compile(r'visitor|journey|errand|\btalk_|agelist|'
                       r'lonely|belated|\bpatient\b|'
                       r'(?<!REFUSAL_)unpicked', re.IGNORECASE)

# What goes from one process to another, and where that is defined.
RECORDS = {
    'message.h': {'intake', 'verdict', 'order', 'orders', 'report', 'grant',
                  'progress'},
    'launch.h': {'front_order', 'log_order'},
    'log_record.h': {'log_record'},
    'counters.h': {'counters'},
}


def read(path):
    return (harness.TOP / path).read_text()


def files(pattern, *rooms):
    return sorted(str(path.relative_to(harness.TOP)) for room in rooms
                  for path in (harness.TOP / room).glob(pattern))


def code(path):
    return re.sub(r'/\*.*?\*/', '', read(path), flags=re.DOTALL)


def exported(name):
    done = subprocess.run(['nm', '-g', str(harness.BUILD / (name + '.o'))],
                          capture_output=True, text=True, check=True)
    wanted, given = set(), set()
    for line in done.stdout.splitlines():
        kind, symbol = line.split()[-2:]
        (wanted if kind in 'Uw' else given).add(symbol)
    return wanted, given


def circle(names):
    """{object: others} of those that call each other, directly or not."""
    wanted, given = {}, {}
    for name in names:
        wanted[name], given[name] = exported(name)
    calls = {name: {other for other in names if other != name and
                    wanted[name] & given[other]} for name in names}
    left = dict(calls)
    while True:
        kept = {name: others & set(left) for name, others in left.items()}
        called = set().union(*kept.values()) if kept else set()
        kept = {name: others for name, others in kept.items()
                if others and name in called}
        if kept == left:
            return left
        left = kept


def own_headers(path):
    """The headers that a .c file may have as its own: of its name, or, where
    it is for one system only, of the name that they share."""
    stem = path[:-2]
    if stem.endswith('_linux'):
        shared = stem.removesuffix('_linux')
        names = [shared + '_system.h']
        if not (harness.TOP / (shared + '.c')).exists():
            names.append(shared + '.h')
    else:
        names = [stem + '.h']
    return [name for name in names if (harness.TOP / name).exists()]


@harness.unittest.skipUnless((harness.BUILD / 'front_main.o').exists(),
                             'the objects are not here')
@harness.unittest.skipUnless(held.as_shipped(), 'a sanitizer is in all objects')
class Objects(harness.unittest.TestCase):
    maxDiff = None

    def test_no_circles(self):
        """No object of a program calls another that calls it."""
        for program in PROGRAMS:
            with self.subTest(program):
                names = linked(program)
                self.assertEqual(circle(names), {})

    def test_declared_in_its_own_header(self):
        """All that other files can call of one stands in its header."""
        every = {}
        for program in PROGRAMS:
            every.update(sources(program))
        for name, path in every.items():
            room = path.split('/')[1]
            if room not in ('usherd', 'front', 'log', 'common', 'child') or \
                    path.rsplit('/', 1)[1] in NO_HEADER:
                continue
            headers = own_headers(path)
            if path in FOR_SANDBOX:
                headers.append(FOR_SANDBOX[path])
            text = ''.join(code(header) for header in headers)
            for symbol in exported(name)[1]:
                with self.subTest(path, symbol=symbol):
                    self.assertRegex(text, rf'\b{symbol}\b')


class Sources(harness.unittest.TestCase):
    maxDiff = None

    def test_a_header_for_each(self):
        for path in files('*.c', *(f'src/{room}' for room in (
                'usherd', 'front', 'log', 'common', 'child'))):
            if path.rsplit('/', 1)[1] not in NO_HEADER:
                with self.subTest(path):
                    self.assertEqual(len(own_headers(path)), 1)

    def test_headers_without_a_file_have_no_functions(self):
        for path in files('*.h', *(f'src/{room}' for room in (
                'usherd', 'front', 'log', 'common', 'child'))):
            owners = [each for each in files('*.c', path.rsplit('/', 1)[0])
                      if path in own_headers(each)]
            if owners or path in FOR_SANDBOX.values():
                continue
            with self.subTest(path):
                self.assertEqual(re.findall(r'^[a-z][^#;{}=]*\b\w+\([^;]*\);',
                                            code(path), re.MULTILINE), [])

    def test_rooms(self):
        """Who includes whose headers."""
        for room in ROOMS:
            for path in files('*.[ch]', f'src/{room}'):
                for name in re.findall(r'^#include "(.*)"$', read(path),
                                       re.MULTILINE):
                    meant = (harness.TOP / path).parent / name
                    meant = str(meant.resolve().relative_to(
                        harness.TOP.resolve()))
                    theirs = meant.removeprefix('src/').split('/')[0]
                    with self.subTest(path, include=name):
                        if (path, meant) not in PUBLIC:
                            self.assertIn(theirs, NEIGHBOURS[room] | {room})

    def test_words(self):
        """One vocabulary: no word of the one before is left."""
        for path in files('*.[ch]', 'sandbox', *(f'src/{room}'
                                                 for room in ROOMS)):
            with self.subTest(path):
                self.assertEqual(OLD_WORDS.findall(read(path)), [])

    def test_design_says_where_each_is(self):
        """Every file has a line in DESIGN.md, and every line a file."""
        design = read('DESIGN.md').split('## 11. Where things are')[1]
        room, said = None, set()
        for indent, name in re.findall(r'(?m)^( *)(\S+)',
                                       design.split('```')[1]):
            if not indent:
                room = name
            elif len(indent) == 2:      # deeper: the rest of a line
                said.add(room + name)
        every = set(files('*.[ch]', 'sandbox', 'src/accept', 'src/usher',
                          *(f'src/{room}' for room in ROOMS)))
        self.assertEqual(said, {
            path for path in every if path.endswith('.c') or
            path[:-2] + '.c' not in every})

    def test_records_are_defined_there(self):
        """And in no second place."""
        found = {}
        for path in files('*.[ch]', *(f'src/{room}' for room in ROOMS)):
            for name in re.findall(r'^struct (\w+) \{', code(path),
                                   re.MULTILINE):
                found.setdefault(name, []).append(path)
        for header, names in RECORDS.items():
            self.assertEqual(set(re.findall(
                r'^struct (\w+) \{', code(f'src/common/{header}'),
                re.MULTILINE)), names, header)
            for name in names:
                self.assertEqual(found[name], [f'src/common/{header}'])

    def test_nothing_else_is_sent(self):
        """What is given to message_send() and its like is one of them."""
        known = {name for names in RECORDS.values() for name in names}
        calls = 0
        for path in files('*.c', *(f'src/{room}' for room in ROOMS)):
            text = code(path)
            for record in re.findall(
                    r'\bmessage_(?:send|take|report)\([^,;]+,\s*&?(\w+),',
                    text[text.index('#include'):]):
                if path.rsplit('/', 1)[1] in ('message_send.c',
                                              'message_take.c', 'outbox.c'):
                    continue
                kinds = set(re.findall(
                    rf'struct (\w+)\s[^;()]*?\b{record}\b', text))
                calls += 1
                with self.subTest(path, record=record):
                    self.assertTrue(kinds)
                    self.assertLessEqual(
                        kinds, known | ({'usher_handoff'} if
                                        path == 'src/front/handoff.c'
                                        else set()))
            for record in re.findall(
                    r'\.size = sizeof\(struct (\w+)\)', text):
                calls += 1      # of an outbox
                with self.subTest(path, record=record):
                    self.assertIn(record, known)
        self.assertGreater(calls, 10)


if __name__ == '__main__':
    harness.unittest.main()
