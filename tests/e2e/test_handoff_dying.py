# SPDX-License-Identifier: ISC
"""Receivers that die, close, or talk back."""
import re
import signal
import threading
import time
import unittest

import harness
import held
import wire
from crowd import Crowd, settle
from handed import FLIGHTS, HEAD, HELLO, NAME, Case
from harness import wait_for

VISITORS = 100
DEATHS = 12


class Base(Case):
    def setUp(self):
        super().setUp()
        self.begin()
        self.children = held.ready_children(
            self.daemon, len(held.children(self.daemon)))
        self.table = self.descriptors()

    def descriptors(self):
        return [held.descriptors(pid) for pid in held.processes(self.daemon)]

    def grown(self):
        """By how many the front has more of them."""
        at = held.processes(self.daemon).index(held.front(self.daemon))
        return self.descriptors()[at] - self.table[at]

    def crowds(self, n=VISITORS):
        """Visitors of both protocols."""
        return [Crowd(self, self.daemon.tls, HELLO, n),
                Crowd(self, self.daemon.http, HEAD, n)]

    def as_before(self):
        """Nobody of usherd has died, nothing has leaked, all is served."""
        self.receiver(talk='echo')
        for protocol, data in FLIGHTS.values():
            with self.connect(protocol) as client:
                client.sendall(data)
                self.assertEqual(held.exactly(client, len(data)), data)
        wait_for(lambda: self.descriptors() == self.table, 5)
        self.assertEqual([line for line in self.daemon.said().split('\n')
                          if re.search('killed|exited|broke|replac', line)],
                         [])
        self.assertEqual(held.children(self.daemon), self.children)


class Dying(Base):
    """A receiver that dies with messages unreceived costs those visitors
    their connections, and usherd nothing."""

    def dies(self, **how):
        tenant = self.receiver(**how)
        crowds = self.crowds()
        wait_for(lambda: self.grown() >= VISITORS)
        tenant.kill()
        settle(crowds, lambda seen: seen['waits'] == 0)
        self.as_before()

    def test_not_received(self):
        self.dies(hoard=True)

    def test_not_accepted(self):
        self.dies(deaf=True)

    def test_stopped(self):
        tenant = self.receiver()
        tenant.signal(signal.SIGSTOP)
        crowds = self.crowds(20)
        wait_for(lambda: self.grown() >= 40)
        time.sleep(0.3)                 # all have been sent
        tenant.kill()
        settle(crowds, lambda seen: seen == {'cut': 40})
        self.as_before()

    def test_received(self):
        """Who was served ends with it: nobody else has the connection."""
        tenant = self.receiver(talk='echo')
        crowds = self.crowds()
        settle(crowds, lambda seen: seen['served'] == 2 * VISITORS)
        tenant.kill()
        settle(crowds, lambda _: all(one.ended for crowd in crowds
                                     for one in crowd.visitors))
        self.as_before()


class Rude(Base):
    def test_that_closes_without_receiving(self):
        """The client's connection ends with the stream."""
        self.receiver(stream='close')
        crowds = self.crowds()
        settle(crowds, lambda seen: seen == {'cut': 2 * VISITORS})
        self.assertNotIn('refused', self.daemon.said())
        self.as_before()

    def talks_back(self, **how):
        """Never more descriptors than there are messages on the way."""
        tenant = self.receiver(talk='echo', stream='back', **how)
        crowds = self.crowds()
        settle(crowds, lambda seen: seen['waits'] == 0)
        # More, where a tenant's descriptors on the way are counted as its
        # own user's, who is usherd's as well: usherd tries again.
        self.assertGreaterEqual(tenant.count('received'), 2 * VISITORS)
        settle(crowds, lambda seen: seen == {'served': 2 * VISITORS})
        wait_for(lambda: self.descriptors() == self.table, 3)
        self.as_before()

    def test_that_sends_bytes_and_descriptors_back(self):
        """usherd has no more descriptors than before."""
        self.talks_back()

    def test_that_does_so_and_keeps_the_stream(self):
        self.talks_back(keep=True)

    def test_that_does_so_and_does_not_receive(self):
        tenant = self.receiver(talk='echo', stream='back', hoard=True)
        crowds = self.crowds(30)
        wait_for(lambda: tenant.count('accepted') == 60)
        time.sleep(0.2)
        self.assertEqual(self.grown(), 60)
        self.assertEqual(sum(self.descriptors()), sum(self.table) + 60)
        tenant.tell('receive')
        settle(crowds, lambda seen: seen == {'served': 60})
        self.as_before()

    def test_that_asks_for_no_descriptor(self):
        """recvmsg(2) without room for one: the client is cut off at once."""
        self.receiver(blind=True)
        settle(self.crowds(20), lambda seen: seen == {'cut': 40})
        self.as_before()


class Killed(Base):
    """kill -9 in a loop under load: visitors are served, refused or cut
    off, and none of them hangs."""

    def visit(self, protocol, data):
        try:
            with self.connect(protocol) as client:
                client.settimeout(5)
                client.sendall(data)
                answer = held.exactly(client, len(data))
        except TimeoutError:
            return 'hung'
        except OSError:
            return 'cut'
        if answer in (data, wire.echoed(data)):
            return 'served'
        if answer.startswith((harness.alert(80), b'HTTP/1.1 503 ')):
            return 'refused'
        return repr(answer) if answer else 'cut'

    def killed_in_a_loop(self, expected):
        stop, seen = threading.Event(), []

        def load(protocol, data):
            while not stop.is_set() and len(seen) < 50000:
                seen.append(self.visit(protocol, data))
        self.receiver().kill()          # a dead one's sockets are there
        threads = [threading.Thread(target=load, args=flight, daemon=True)
                   for flight in FLIGHTS.values()]
        for thread in threads:
            thread.start()
        for _ in range(DEATHS):
            tenant = self.receiver(talk='echo')
            before = len(seen)
            wait_for(lambda: len(seen) > before + 20, 5)
            tenant.kill()
        stop.set()
        for thread in threads:
            thread.join(10)
        self.assertLessEqual(set(seen), expected)
        self.assertIn('served', seen)
        self.as_before()

    def test_with_nobody_else(self):
        self.killed_in_a_loop({'served', 'refused', 'cut'})

    def test_with_a_socket_beside(self):
        """Between its lives the -socket serves: nobody is refused."""
        for protocol in ('tls', 'http'):
            self.tenant(self.path / f'{protocol}-socket', harness.echo_server)
        self.killed_in_a_loop({'served', 'cut'})


if __name__ == '__main__':
    unittest.main()
