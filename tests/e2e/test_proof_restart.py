# SPDX-License-Identifier: ISC
"""usherd is stopped and started again while nginx has connections that it
was handed; none of them notices."""
import threading
import unittest

import proof
import test_proof_c
from harness import BUILD, Usherd, wait_for
from proof import Client, Http2
from talker import together

ESTABLISHED = 100
RESTARTS = 2
MANY = 1000000                  # the default, 1000, is not


class Chorus:
    """Established connections on which requests go on all the time."""

    def __init__(self, case, clients):
        self.case, self.clients = case, clients
        self.rounds, self.failed = 0, []
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._sing, daemon=True)
        case.addCleanup(self.done.set)
        self.thread.start()
        self.more(1)

    def _sing(self):
        while not self.done.is_set() and not self.failed:
            try:
                self._round()
                self.rounds += 1
            except Exception as error:      # told by stop()
                self.failed.append(repr(error))

    def _round(self):
        """Each asks, and then each hears."""
        for client in self.clients:
            client.send()
        for client in self.clients:
            self.case.assert_from(client, client.body())

    def more(self, rounds):
        """Waits for so many whole rounds from now on."""
        until = self.rounds + rounds + 1
        wait_for(lambda: self.rounds >= until or self.failed, proof.SECONDS)

    def stop(self):
        self.done.set()
        self.thread.join(proof.SECONDS)
        self.case.assertEqual(self.failed, [], f'after {self.rounds}')


class Nginx(test_proof_c.Nginx):
    """Half of the connections have HTTP/1.1, half HTTP/2, over TLS."""

    ways = ''

    def lines(self):
        yield from super().lines()
        yield f'keepalive_requests {MANY};'

    def test_established_connections_do_not_notice(self):
        for way in 'ab':
            with self.subTest(way=way):
                self.restarted(way)
            self.doCleanups()
            self.setUp()

    def restarted(self, way):
        self.start(way, 'root' if proof.ROOT else 'nobody', ('tls',))
        self.begin()
        chorus = Chorus(self, together(*(
            lambda i=i: self.arrive((Client, Http2)[i % 2])
            for i in range(ESTABLISHED))))
        for _ in range(RESTARTS):
            self.assertEqual(self.daemon.stop(), 0)
            self.assertIn('no longer accepting, 0 connections left',
                          self.daemon.log())
            chorus.more(2)      # while there is no usherd at all
            self.again()
            self.arrive(Client)
            chorus.more(2)
        chorus.stop()

    def arrive(self, kind):
        client = kind(self.ports, True)
        self.addCleanup(client.socket.close)
        self.assert_from(client, client.ask())
        return client

    def again(self):
        """A new usherd, on the port of the one before."""
        self.daemon = Usherd(self.hosts, command=[
            str(BUILD / 'usherd'), '-d', str(self.hosts), '-j', '1', '-t',
            '127.0.0.1:%d' % self.ports['tls', '127.0.0.1']])
        self.addCleanup(self.daemon.stop, proof.signal.SIGKILL)
        self.daemon.start(1)


if __name__ == '__main__':
    unittest.main()
