# SPDX-License-Identifier: ISC
"""A parser and a relay may close every descriptor that they can be given,
whatever its number: also one below which a front's are its own, and one with
a single bit set."""
import contextlib
import unittest

import harness
import held
import wire
from harness import wait_for
from lives import HEAD, Base

CONNECTIONS = 600               # numbers from 16 on, well over SLOTS_BASE
FEW = 200                       # descriptors of all children without them


class Numbers(Base):
    def setUp(self):
        super().setUp()
        held.want_descriptors(self, 4096)
        self.begin('-j', '1')
        self.children = held.ready_children(self.daemon, 4)

    def unharmed(self):
        """All has been closed by the same children."""
        def closed():
            with contextlib.suppress(FileNotFoundError):    # it has died
                return sum(held.descriptors(pid) or 0 for pid in
                           held.children(self.daemon)) < FEW
        wait_for(closed, 5)
        self.assertEqual([line for line in self.daemon.log_lines
                          if 'killed' in line], [])
        self.assertEqual(held.children(self.daemon), self.children)
        self.served()

    def close(self, clients):
        for client in reversed(clients):
            client.close()
        self.unharmed()

    def half(self, tls):
        clients = [self.partial(tls) for _ in range(CONNECTIONS)]
        parser, = held.children(self.daemon,
                                'usherd-tls' if tls else 'usherd-http')
        wait_for(lambda: (held.descriptors(parser) or CONNECTIONS) >=
                 CONNECTIONS)
        self.close(clients)

    def test_of_a_tls_parser(self):
        self.half(True)

    def test_of_an_http_parser(self):
        self.half(False)

    def test_of_an_http_parser_that_sees_both_sides(self):
        """Each connection between two exchanges has two numbers there."""
        self.tenant(self.host('b.example') / 'http-socket',
                    lambda connection: harness.read_head(connection) and
                    harness.respond(connection, 'here', close=False) or
                    connection.recv(1))
        clients = [wire.connect(self.daemon.http) for _ in range(CONNECTIONS)]
        for client in clients:
            client.sendall(wire.head('b.example'))
        for client in clients:
            self.assertIn(b'here', client.recv(1000))
        parser, = held.children(self.daemon, 'usherd-http')
        wait_for(lambda: (held.descriptors(parser) or 2 * CONNECTIONS) >=
                 2 * CONNECTIONS)
        self.close(clients)

    def relayed(self, tls):
        self.close(held.hold(self, self.port(tls), CONNECTIONS, tls=tls))

    def test_of_a_tls_relay(self):
        self.relayed(True)

    def test_of_an_http_relay(self):
        self.relayed(False)

    def test_of_a_relay_that_refuses(self):
        """To clients that are gone a goodbye is said for two seconds."""
        for tls in (True, False):
            clients = [wire.connect(self.port(tls))
                       for _ in range(CONNECTIONS)]
            for client in clients:
                client.sendall(b'GET / HTTP/1.1\r\n\r\n' if tls else
                               HEAD.replace(b'example', b'_'))
            for client in clients:
                client.recv(3)          # what is unread resets it
            for client in clients:
                client.close()
        self.unharmed()



if __name__ == '__main__':
    unittest.main()
