# SPDX-License-Identifier: ISC
"""Each kind of process, told to misbehave, dies of it, and nobody else does.

The programs of build/tests/try are the shipped ones with one function
wrapped: a host name says what the process that reads it shall try.  See
tests/sandbox/attacks.h.
"""
import collections
import re
import signal
import time

import harness
import held
from harness import wait_for
from held import hold
from lies import Misled

TABLE = harness.TOP / 'tests' / 'sandbox' / 'attacks.c'
KILLED = r'killed by the sandbox \(SIGSYS\)'


def table():
    """The text of the table, and of its rows (name, roles, function)."""
    text = re.search(r'\battacks\[\] = \{\n(.*?)\n\};', TABLE.read_text(),
                     re.DOTALL)[1]
    return text, re.findall(
        r'\{\s*"([^"]+)",\s*([A-Z_]+(?:\s*\|\s*[A-Z_]+)*),\s*(\w+),', text)


def attacks(role):
    """Names of those that a role shall try: see attacks.h."""
    return [name for name, roles, _ in table()[1]
            if role in re.findall(r'\w+', roles)]


class Eyes(Misled):
    """A parser that tries this is seen to die of SIGSYS:

    while the daemon replaces it and other connections go on."""

    def misbehave(self, name, tls):
        daemon = self.daemon()
        others = hold(self, daemon.tls, 2) + \
            hold(self, daemon.http, 2, tls=False)
        before = held.children(daemon)
        told = time.monotonic()
        self.tell(daemon, f'eyes-{name}.example', tls)
        line = daemon.wait_log(KILLED, 2)
        self.served(daemon)
        self.assertIn('tls parser' if tls else 'http parser', line)
        self.replaced(daemon, before, told)
        self.served(daemon)
        self.assertTrue(all(other.alive() for other in others))
        self.assertEqual(daemon.stop(signal.SIGKILL), -signal.SIGKILL)

    def test_rights_are_left(self):
        """What the filter allows works: the parser goes on as shipped."""
        daemon = self.daemon()
        before = held.children(daemon)
        for tls in (True, False):
            one = held.Held(daemon.tls if tls else daemon.http,
                            'eyes-rights.example', tls=tls)
            one.establish().close()
        self.assertEqual(held.children(daemon), before)
        self.assertNotRegex(daemon.said(), 'killed|exited')

    @harness.unittest.skipUnless(held.as_shipped(), 'a build without limits')
    def test_memory(self):
        """What a parser can take is not much more than its tables."""
        daemon = self.daemon()
        for pid in held.children(daemon):
            self.assertLess(int(held.limits(pid)['Max data size'][1]),
                            1024 * 1024 * 1024)
        for tls in (True, False):
            self.tell(daemon, 'eyes-grow.example', tls)
            daemon.wait_log(r'%s parser \d .* exited 4' %
                            ('tls' if tls else 'http'), 3)

    def test_renumbered_client_is_not_written_to(self):
        """A parser cannot write to a client, whatever number it gives it."""
        daemon = self.daemon(jobs=1)
        for name in ('renumber', 'renumber-wide', 'renumber-control'):
            self.tell(daemon, f'eyes-{name}.example', tls=False)
            victim = self.tell(daemon, 'a.example', tls=False)
            self.assertNotIn(b'stolen', victim.recv(100))
            wait_for(lambda: len(held.children(daemon)) == 4, 5)


class Hands(Misled):
    """A relay that tries this is seen to die of SIGSYS:

    only its own connections are lost."""

    def misbehave(self, name, tls):
        daemon = self.daemon()
        port = daemon.tls if tls else daemon.http
        pairs = held.spread(self, held.relays(daemon, tls),
                            lambda: hold(self, port, tls=tls)[0])
        other = hold(self, daemon.http if tls else daemon.tls, 1,
                     tls=not tls)[0]
        before = held.children(daemon)
        told = time.monotonic()
        self.tell(daemon, f'hands-{name}.example', tls)
        line = daemon.wait_log(KILLED, 3)
        self.assertIn('tls relay' if tls else 'http relay', line)
        self.served(daemon)
        self.replaced(daemon, before, told)
        dead = int(re.search(r'pid (\d+)', line)[1])
        for relay, connections in pairs.items():
            self.assertEqual({one.alive() for one in connections},
                             {relay != dead})
        self.assertTrue(other.alive())
        self.served(daemon)
        self.assertEqual(daemon.stop(signal.SIGKILL), -signal.SIGKILL)


class Keys(Misled):
    """A front that tries this is seen to die of SIGSYS:

    it is replaced, and what relays have goes on."""

    def misbehave(self, name):
        daemon = self.daemon(jobs=1)
        others = hold(self, daemon.tls, 2) + \
            hold(self, daemon.http, 2, tls=False)
        self.tell(daemon, f'keys-{name}.example')
        self.assertIn('front', daemon.wait_log(KILLED, 3))
        self.served(daemon)
        self.assertTrue(all(other.alive() for other in others))
        self.assertIsNone(daemon.process.poll())

    def test_rights_are_left(self):
        """What the filter allows works: the front goes on as shipped."""
        (self.hosts.parent / 'outside').touch()
        daemon = self.daemon(jobs=1)
        before = held.children(daemon)
        held.Held(daemon.tls, 'keys-rights.example').establish().close()
        self.assertEqual(held.children(daemon), before)
        self.assertNotRegex(daemon.said(), 'killed|exited')


class Written(harness.unittest.TestCase):
    """What is written in the table is what is tried."""

    def test_every_row_is_read(self):
        text, rows = table()
        text = re.sub(r'/\*.*?\*/', '', text, flags=re.DOTALL)
        self.assertEqual(len(rows), text.count('{'))
        self.assertEqual(len(rows), text.count('"') // 2)
        self.assertEqual(len(rows), len({name for name, _, _ in rows}))

    def test_every_role_is_read(self):
        tried = collections.Counter()
        for role, case, ways in (('EYES', Eyes, 2), ('EYES_ALONE', Eyes, 1),
                                 ('HANDS', Hands, 2),
                                 ('HANDS_ALONE', Hands, 1), ('KEYS', Keys, 1)):
            written = len(re.findall(rf'\b{role}\b', table()[0]))
            self.assertEqual(len(attacks(role)), written)
            tried[case] += ways * written
        for case, number in tried.items():
            self.assertEqual(number, len([
                name for name in vars(case) if
                getattr(vars(case)[name], 'attack', False)]), case)

    def test_no_other_role(self):
        self.assertEqual({word for _, roles, _ in table()[1]
                          for word in re.findall(r'\w+', roles)},
                         {'EYES', 'EYES_ALONE', 'HANDS', 'HANDS_ALONE',
                          'KEYS'})

    def test_every_call_is_used(self):
        """calls.h declares nothing that no attack does."""
        declared = re.findall(r'^void\t(try_\w+)\(int\);$',
                              TABLE.with_name('calls.h').read_text(),
                              re.MULTILINE)
        self.assertEqual(set(declared), {call for _, _, call in table()[1]})


class Rules(harness.unittest.TestCase):
    """What the rules themselves look like."""

    def test_no_rule_compares_from_a_number_on(self):
        """A filter compares 64 bits of a descriptor, the kernel uses 32: what
        is "from 8 on" by GE is 3 as well (2^32 + 3)."""
        sources = sorted((harness.TOP / 'sandbox').glob('seccomp*.[ch]'))
        self.assertGreater(len(sources), 4)
        for source in sources:
            self.assertNotRegex(source.read_text(),
                                r'ARG\([^,]*,\s*(GE|GT|NE)\b', source.name)


def add(case, method, *arguments, name):
    def test(self):
        method(self, *arguments)
    test.__doc__ = f'{case.__doc__.splitlines()[0]} {name}'
    test.attack = True
    setattr(case, 'test_' + name.replace('-', '_'), test)


for _name in attacks('EYES'):
    add(Eyes, Eyes.misbehave, _name, True, name='tls-' + _name)
    add(Eyes, Eyes.misbehave, _name, False, name='http-' + _name)
for _name in attacks('EYES_ALONE'):
    add(Eyes, Eyes.misbehave, _name, True, name='tls-' + _name)
for _name in attacks('HANDS_ALONE'):
    add(Hands, Hands.misbehave, _name, True, name='tls-' + _name)
for _name in attacks('HANDS'):
    add(Hands, Hands.misbehave, _name, True, name='tls-' + _name)
    add(Hands, Hands.misbehave, _name, False, name='http-' + _name)
for _name in attacks('KEYS'):
    add(Keys, Keys.misbehave, _name, name=_name)


if __name__ == '__main__':
    harness.unittest.main()
