# SPDX-License-Identifier: ISC
"""Parsers and relays that lie to their front, and relays that lie to their
parser: they are replaced, nobody believes them, and who is not theirs goes on.

The lies are in tests/sandbox/try_parser.c and try_report.c.
"""
import re
import time

import harness
import held
import lies
import wire
from harness import wait_for
from held import hold
from talker import Talker, request

LIES, TALES = 7000, 7500    # bytes that bring the first: try_report.c


class OfParsers(lies.Misled):
    """A parser that breaks the front's rules is killed and replaced; the
    front neither crashes nor believes it."""

    def lie(self, name):
        tls = name.startswith('tls-')
        daemon = self.daemon()
        before = held.children(daemon)
        told = time.monotonic()
        client = self.tell(daemon, f'eyes-{name}.example', tls)
        daemon.wait_log(('tls' if tls else 'http') +
                        r' parser \d \(pid \d+\) broke the rules', 3)
        answer = client.recv(100)
        self.assertTrue(answer == harness.alert(80) if tls else
                        answer.startswith(b'HTTP/1.1 503 '), answer)
        self.replaced(daemon, before, told)
        self.served(daemon)

    def lie_twice(self, name):
        """The first of two words is legal, and the front acts by it."""
        daemon = self.daemon(jobs=1)
        before = held.children(daemon)
        told = time.monotonic()
        client = self.tell(daemon, f'eyes-{name}.example', False)
        daemon.wait_log(r'http parser 1 \(pid \d+\) broke the rules', 3)
        answer = wire.read_all(client)
        self.assertTrue(re.match(b'HTTP/1.1 (400|503) ', answer) or
                        answer in (b'', b'<reset>'), answer)
        self.replaced(daemon, before, told)
        self.served(daemon)

    def test_a_word_about_one_that_was_let_go(self):
        """A connection was refused and its parser told to let go of it: it
        does not say any more what it sees there."""
        self.host('empty.example')
        daemon = self.daemon(jobs=1)
        self.tell(daemon, 'eyes-twice-refused.example', tls=False)
        daemon.wait_log(r'http parser 1 \(pid \d+\) broke the rules', 3)
        self.served(daemon)

    def test_flood(self):
        """A parser that floods its pipe with answers to nothing is replaced,
        costs the front nothing, and others are served."""
        daemon = self.daemon()
        before = held.children(daemon)
        cpu = held.cpu(held.keys(daemon))
        told = time.monotonic()
        self.tell(daemon, 'eyes-flood.example')
        daemon.wait_log(r'tls parser \d \(pid \d+\) broke the rules', 3)
        self.served(daemon)
        self.replaced(daemon, before, told)
        self.assertLess(held.cpu(held.keys(daemon)) - cpu, 0.2)


def flight(tls, size):
    """A first flight of that many bytes."""
    if tls:
        least = len(wire.hello('a.example', wire.padding(0)))
        data = wire.hello('a.example', wire.padding(size - least))
    else:
        least = len(wire.head('a.example', 'X: '))
        data = wire.head('a.example', 'X: ' + 'x' * (size - least))
    assert len(data) == size
    return data


class OfRelays(lies.Misled):
    """A relay that breaks the front's rules is killed and replaced."""

    def report(self, number, name):
        tls = name.startswith('tls-')
        daemon = self.daemon(jobs=1)
        port = daemon.tls if tls else daemon.http
        other, = hold(self, daemon.http if tls else daemon.tls, 1,
                      tls=not tls)
        before = held.children(daemon)
        client = wire.connect(port, 10)
        self.addCleanup(client.close)
        client.sendall(flight(tls, LIES + number))
        told = time.monotonic()
        daemon.wait_log(('tls' if tls else 'http') +
                        r' relay \d \(pid \d+\) broke the rules', 3)
        self.replaced(daemon, before, told)
        self.served(daemon)
        self.assertTrue(other.alive())

    def test_rights_are_left(self):
        """One byte less than the first lie, and all goes on."""
        daemon = self.daemon(jobs=1)
        before = held.children(daemon)
        for tls in (True, False):
            client = wire.connect(daemon.tls if tls else daemon.http, 10)
            self.addCleanup(client.close)
            data = flight(tls, LIES - 1)
            client.sendall(data)
            self.assertEqual(held.exactly(client, LIES - 1),
                             wire.echoed(data))
        self.assertEqual(held.children(daemon), before)

    def test_undecided_ones_are_shown_again(self):
        """With a relay its parser ends, which has not died of a connection:
        whoever it had not decided about is none the wiser."""
        self.tenant(self.host('c.example') / 'http-socket', lies.Recorder())
        daemon = self.daemon(jobs=1)
        halves = [Talker(daemon.http, 10) for _ in range(5)]
        data = request('c.example')
        for half in halves:
            self.addCleanup(half.socket.close)
            half.send(data[:20])
        tls, = hold(self, daemon.tls)
        time.sleep(0.2)
        pids = held.children(daemon)
        client = wire.connect(daemon.http, 10)
        self.addCleanup(client.close)
        number = lies.told('try_report.c', 'tls', 'http').index('http-pong')
        client.sendall(flight(False, LIES + number))
        daemon.wait_log(r'http relay \d \(pid \d+\) broke the rules', 3)
        for half in halves:
            half.send(data[20:])
            self.assertEqual(half.answer().body, b'here')
        self.assertTrue(tls.alive())
        self.assertNotIn('reason=', daemon.said())
        for program in ('usherd-http', 'usherd-tls'):
            same = set(pids) & set(held.children(daemon, program))
            self.assertEqual(len(same), int(program == 'usherd-tls'))


class ToParsers(lies.Lying):
    """What a relay tells usherd-http that cannot be: the parser ends, and
    its pair is replaced:"""

    def tell(self, number):
        """About a connection whose exchange is over; gives when."""
        self.assertTrue(self.goes_on(self.idle))
        client = wire.connect(self.daemon.http, 10)
        self.addCleanup(client.close)
        client.sendall(flight(False, TALES + number))
        return time.monotonic()

    def begin(self):
        self.idle = self.talker()
        self.tls, = held.hold(self, self.daemon.tls)
        self.before = held.children(self.daemon)
        self.parser, = held.children(self.daemon, 'usherd-http')

    def bad(self, number):
        self.begin()
        self.assertTrue(self.goes_on(self.idle))
        began = self.tell(number)
        held.wait_gone([self.parser], 1)
        self.daemon.wait_log(rf'http parser 1 \(pid {self.parser}\) '
                             r'(exited 1|broke)', 2)
        self.serves(began)
        wait_for(lambda: held.restored(self.daemon, self.before), 2)
        self.ends(self.idle)
        self.assertTrue(self.tls.alive())
        self.assertNotRegex(self.daemon.said(), 'tls .*(killed|exited|broke)')

    def void(self, number):
        self.begin()
        self.tell(number)
        time.sleep(0.2)
        self.assertTrue(self.goes_on(self.idle))
        self.assertTrue(self.tls.alive())
        self.assertEqual(held.children(self.daemon), self.before)
        self.assertNotRegex(self.daemon.said(), 'killed|exited|broke')


def add(case, method, *arguments, name):
    def test(self):
        method(self, *arguments)
    test.__doc__ = f'{case.__doc__.splitlines()[0]} {name}'
    setattr(case, 'test_' + name.replace('-', '_'), test)


for _name in lies.told('try_parser.c', 'tls', 'http'):
    add(OfParsers, OfParsers.lie, _name, name=_name)
for _name in lies.told('try_parser.c', 'two'):
    add(OfParsers, OfParsers.lie_twice, _name, name=_name)
for _number, _name in enumerate(lies.told('try_report.c', 'tls', 'http')):
    add(OfRelays, OfRelays.report, _number, _name, name=_name)
for _number, _name in enumerate(lies.told('try_report.c', 'bad', 'void')):
    add(ToParsers, ToParsers.void if _name.startswith('void') else
        ToParsers.bad, _number, name=_name)


if __name__ == '__main__':
    harness.unittest.main()
