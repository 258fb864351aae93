# SPDX-License-Identifier: ISC
"""Children that die, hang or stop."""
import os
import random
import select
import signal
import threading
import time

import harness
import held
import wire
from harness import wait_for
from held import hold
from lives import Base

TRY = harness.BUILD / 'tests' / 'try'
SERVICE = {True: harness.alert(80), False: b'HTTP/1.1 503 '}


class Children(Base):
    """A parser that dies or hangs costs only the connections in its hands; it
    is replaced within a second."""

    def costs_only_its_own(self, tls, number):
        self.begin('-j', '2')
        others = hold(self, self.daemon.tls, 2) + \
            hold(self, self.daemon.http, 2, tls=False)
        program = 'usherd-tls' if tls else 'usherd-http'
        halves = held.spread(self, held.children(self.daemon, program),
                             lambda: self.partial(tls))
        before = held.children(self.daemon)
        (parser, lost), (_, kept) = halves.items()
        os.kill(parser, number)
        self.told(lost, tls)
        self.back(before, 1)
        for half in kept:
            self.assertTrue(self.complete(half, tls))
        self.assertTrue(all(other.alive() for other in others))
        self.served()

    def told(self, clients, tls):
        """Within a second each is told that it is of no use."""
        end = time.monotonic() + 1
        for client in clients:
            client.settimeout(max(0.01, end - time.monotonic()))
            self.assertTrue(client.recv(100).startswith(SERVICE[tls]))

    def test_stopped_tls_parser(self):
        self.costs_only_its_own(True, signal.SIGSTOP)

    def test_stopped_http_parser(self):
        self.costs_only_its_own(False, signal.SIGSTOP)

    def test_killed_tls_parser(self):
        self.costs_only_its_own(True, signal.SIGKILL)

    def test_killed_http_parser(self):
        self.costs_only_its_own(False, signal.SIGKILL)

    def test_stopped_relay(self):
        """A stopped relay costs its own connections and is replaced."""
        self.begin('-j', '2')
        pairs = held.spread(self, held.relays(self.daemon, True), lambda:
                            hold(self, self.daemon.tls)[0])
        other = hold(self, self.daemon.http, 1, tls=False)[0]
        before = held.children(self.daemon)
        (relay, lost), (_, kept) = pairs.items()
        os.kill(relay, signal.SIGSTOP)
        self.back(before, 1)
        self.served()
        self.assertTrue(other.alive())
        self.assertFalse(any(one.alive() for one in lost))
        self.assertTrue(all(one.alive() for one in kept))

    def test_random_kills(self):
        """50 at random under light load, of all but the launcher: that lives,
        no zombies, no descriptor of its or of a front's leaked."""
        self.begin('-j', '2')
        dice = random.Random(4711)
        before = sorted(map(held.program_of, held.all_children(self.daemon)))
        tables = self.tables()
        stop, answers = threading.Event(), []
        def visit():
            while not stop.is_set() and len(answers) < 20000:
                tls = len(answers) % 2 == 0
                answers.append(self.visit(tls))
        thread = threading.Thread(target=visit, daemon=True)
        thread.start()
        for _ in range(50):
            pids = held.all_children(self.daemon)
            if pids:
                os.kill(dice.choice(pids), signal.SIGKILL)
            time.sleep(0.05)
        wait_for(lambda: before == sorted(map(
            held.program_of, held.all_children(self.daemon))), 15)
        stop.set()
        thread.join(30)
        self.assertFalse(thread.is_alive())
        self.assertNotIn('hung', answers)
        self.assertIn('echo', answers)
        self.served()
        wait_for(lambda: self.tables() == tables, 5)
        self.assertTrue(all(map(held.runs, held.all_children(self.daemon))))

    def tables(self):
        return list(map(held.descriptors, held.keys(self.daemon)))


@harness.unittest.skipUnless((TRY / 'usherd').exists(),
                             'build/tests/try is not built')
class Misled(Base):
    """The same with parsers that a name drives into a loop or a crash."""

    def ask(self, name, seconds=15):
        client = wire.connect(self.daemon.tls, seconds)
        self.addCleanup(client.close)
        client.sendall(wire.hello(name))
        return client

    def test_hanging_parser(self):
        """It is replaced within a second, if it gets the processor that it
        wants: two here, because this machine may be busy.  Who comes to the
        other shard meanwhile does not wait for that."""
        self.begin('-j', '2', build=TRY)
        before = held.children(self.daemon)
        other = hold(self, self.daemon.tls)[0]
        victim = self.ask('eyes-hang.example')
        late = []
        for _ in range(16):
            late.append(self.ask('a.example'))
            time.sleep(0.01)    # not all to one, as a burst would
        self.assertTrue(select.select(late, [], [], 0.5)[0])
        self.back(before, 2)
        for client in late:
            self.assertTrue(client.recv(5000))
        self.assertEqual(victim.recv(100), harness.alert(80))
        self.assertTrue(other.alive())
        self.served()

    def test_hanging_only_parser(self):
        """Who comes meanwhile waits for its successor; who is in its hands
        is told."""
        self.begin('-j', '1', build=TRY)
        half = self.partial()
        time.sleep(0.1)
        self.ask('eyes-hang.example')
        time.sleep(0.1)
        late = self.ask('a.example')
        self.assertEqual(half.recv(100), harness.alert(80))
        self.assertTrue(late.recv(5000))
        self.served()

    def test_crash_loop(self):
        """It is slowed down and logged, and others are served between."""
        self.begin('-j', '2', build=TRY)
        self.other = hold(self, self.daemon.tls)[0]
        longest, starts = 0, time.monotonic()
        for _ in range(20):
            self.ask('eyes-abort.example', 30).recv(100)
            began = time.monotonic()
            self.served(30)
            longest = max(longest, time.monotonic() - began)
        spent = time.monotonic() - starts
        self.assertRegex(self.daemon.said(), r'exited 3')
        self.assertRegex(self.daemon.said(), r'next start in [1-9]\d+ ms')
        self.assertTrue(self.other.alive())
        self.assertGreater(spent, 1)
        self.assertLess(longest, 5)
        wait_for(lambda: len(held.children(self.daemon)) == 8, 15)

    def test_hanging_parser_of_a_dead_front(self):
        """It does not hear that its front has gone, as one would not that was
        taken over; the launcher ends it, and with it the copies it has."""
        self.begin('-j', '1', build=TRY)
        parser, = held.children(self.daemon, 'usherd-tls')
        self.ask('eyes-hang.example')
        time.sleep(0.1)
        os.kill(held.front(self.daemon), signal.SIGKILL)
        held.wait_gone([parser], 1)
        self.served()

    def test_ends_in_a_row(self):
        """One that ends without a fault, and without reason, is slowed down
        like one that crashes."""
        self.begin('-j', '1', build=TRY)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            self.ask('eyes-leave.example')
            time.sleep(0.02)
        said = self.daemon.said()
        self.assertRegex(said, r'tls parser 1 \(pid \d+\) exited 0')
        self.assertRegex(said, r'next start in [1-9]\d+ ms')
        self.assertLess(said.count('exited 0'), 12)
        wait_for(lambda: self.visit(True) == 'echo', 30)

    def test_crash_loop_burst(self):
        """Asked for all at once it costs few processes and little time."""
        self.begin('-j', '2', build=TRY)
        before = held.cpu(held.keys(self.daemon))
        end = time.monotonic() + 3
        while time.monotonic() < end:
            for _ in range(10):
                self.ask('eyes-abort.example')
            time.sleep(0.1)
        self.assertLess(self.daemon.said().count('exited 3'), 60)
        self.assertLess(held.cpu(held.keys(self.daemon)) - before, 0.3)
        wait_for(lambda: self.visit(True) == 'echo', 30)


if __name__ == '__main__':
    harness.unittest.main()
