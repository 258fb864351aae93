# SPDX-License-Identifier: ISC
"""Parsers give way to new ones, and no connection is lost by it."""
import contextlib
import os
import random
import re
import signal
import threading
import time

import harness
import held
import wire
from harness import wait_for
from lives import Base

TRY = harness.BUILD / 'tests' / 'try'
VISITS = 1500       # of each protocol
PLACE = r'%s parser \d \(pid \d+\) takes the place of pid \d+ after \d+ conn'


def serve(connection):
    """Any number of requests without a body."""
    while harness.read_head(connection).endswith(b'\r\n\r\n'):
        harness.respond(connection, 'here', close=False)


class Kept:
    """A client that keeps its HTTP connection and uses it, and makes another
    when that was closed between two exchanges."""

    def __init__(self, port):
        self.port = port
        self.socket = wire.connect(port)
        self.asked = self.again = 0

    def once(self):
        """What comes; nothing, when it was closed before."""
        try:
            self.socket.sendall(wire.head())
            return self.socket.recv(1000)
        except ConnectionError:
            return b''

    def ask(self):
        """Does a whole answer come, at the second time at least?"""
        self.asked += 1
        answer = self.once()
        if not answer:
            self.again += 1
            self.socket.close()
            self.socket = wire.connect(self.port)
            answer = self.once()
        return answer.endswith(b'here')


class Recycle(Base):
    def setUp(self):
        super().setUp()
        self.tenant(self.host('a.example') / 'http-socket', serve)
        self.tenant(self.host('a.example') / 'tls-socket',
                    harness.echo_server)

    def visits(self, tls, answers, n):
        """n short connections, one after the other."""
        flight = wire.hello('a.example') if tls else wire.head(
            'a.example', 'Connection: close')
        for _ in range(n):
            try:
                with wire.connect(self.port(tls)) as client:
                    client.sendall(flight)
                    answer = client.recv(1000)
            except OSError as error:
                answer = repr(error)
            answers.append(answer == flight if tls else
                           answer[-4:] == b'here' or answer)

    def crowd(self, n=VISITS // 5):
        """Visits of both protocols at once, n by each of ten clients."""
        answers = []
        threads = [threading.Thread(target=self.visits, args=(tls, answers, n))
                   for tls in (True, False) for _ in range(5)]
        for thread in threads:
            thread.start()
        return threads, answers

    def takings(self, protocol):
        return len(re.findall(PLACE % protocol, self.daemon.said()))

    def test_under_load(self):
        self.daemon = self.usherd('-j', '2', '-N', '50')
        before = held.children(self.daemon)
        kept = [Kept(self.daemon.http) for _ in range(10)]
        long = held.hold(self, self.daemon.tls, 10)
        half = self.partial()
        threads, answers = self.crowd()
        while any(thread.is_alive() for thread in threads):
            self.assertTrue(all(one.ask() for one in kept))
            time.sleep(0.05)
        self.assertEqual(len(answers), 2 * VISITS)
        self.assertEqual([one for one in answers if one is not True], [])
        self.assertTrue(all(one.alive() for one in long))
        self.assertGreater(min(one.asked for one in kept), 3)
        # only those of a parser that has left
        self.assertLessEqual(sum(one.again for one in kept),
                             len(kept) * self.takings('http'))
        self.assertTrue(self.complete(half))
        self.assertGreaterEqual(self.takings('tls'), 5)
        self.assertGreaterEqual(self.takings('http'), 3)
        for one in kept:
            one.socket.close()
        wait_for(lambda: len(held.children(self.daemon)) == len(before), 5)
        self.served_all()
        self.assertNotRegex(self.daemon.said(),
                            'killed|exited|replacing|refused|connections cut')

    def tables(self):
        return list(map(held.descriptors, held.keys(self.daemon)))

    def served_all(self):
        held.Held(self.daemon.tls).establish().close()
        self.assertTrue(Kept(self.daemon.http).ask())

    def test_never(self):
        self.daemon = self.usherd('-j', '1', '--recycle', '0')
        before = held.children(self.daemon)
        threads, answers = self.crowd()
        for thread in threads:
            thread.join()
        self.assertEqual(set(answers), {True})
        self.assertEqual(held.children(self.daemon), before)

    def test_random_kills(self):
        """Successors and predecessors die like others, and are replaced."""
        self.daemon = self.usherd('-j', '2', '-N', '20')
        before = held.children(self.daemon)
        tables = self.tables()
        threads, _ = self.crowd(200)
        dice = random.Random(4711)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            pids = held.children(self.daemon, 'usherd-tls') + \
                held.children(self.daemon, 'usherd-http')
            with contextlib.suppress(ProcessLookupError):
                if pids:        # not all in the pause of a crash loop
                    os.kill(dice.choice(pids), signal.SIGKILL)
            time.sleep(0.05)
        for thread in threads:
            thread.join(30)
        wait_for(lambda: len(held.children(self.daemon)) == len(before), 15)
        wait_for(lambda: self.tables() == tables, 15)
        self.served_all()

    def test_wrong_numbers(self):
        for number in ('-1', 'x', '', '1e9', '10000000000'):
            daemon = harness.Usherd(self.hosts, '-N', number)
            self.addCleanup(daemon.stop, signal.SIGKILL)
            self.assertEqual(daemon.process.wait(5), 1)


@harness.unittest.skipUnless((TRY / 'usherd').exists(),
                             'build/tests/try is not built')
class Terms(Recycle):
    """The try build's hour, and its ten minutes, last two seconds."""

    def test_hour(self):
        """Without any connection, too; the last kept one is not waited for
        without end."""
        self.tenant(self.host('mute.example') / 'http-socket',
                    lambda connection: connection.recv(1000) and
                    connection.recv(1000))
        self.daemon = self.usherd('-j', '1', build=TRY)
        before = held.children(self.daemon)
        kept, waits = Kept(self.daemon.http), Kept(self.daemon.http)
        for one in (kept, waits):
            self.addCleanup(one.socket.close)
        self.assertTrue(kept.ask())
        waits.socket.sendall(wire.head('mute.example'))
        for protocol in ('tls', 'http'):
            self.daemon.wait_log(PLACE % protocol, 4)
        # between two exchanges: at once; in the middle of one: later
        self.assertEqual(kept.socket.recv(1000), b'')
        line = self.daemon.wait_log('connections cut', 4)
        self.assertRegex(line, r'http parser 1 \(pid \d+\): 1 connections')
        self.assertEqual(waits.socket.recv(1000), b'')
        self.served_all()
        self.assertFalse(set(held.children(self.daemon,
                                           'usherd-tls')) & set(before))
        self.assertNotRegex(self.daemon.said(), 'killed|exited|replacing')

    test_under_load = test_never = test_random_kills = None
    test_wrong_numbers = None


if __name__ == '__main__':
    harness.unittest.main()
