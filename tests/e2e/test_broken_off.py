# SPDX-License-Identifier: ISC
"""A client that breaks off while its tenant does not read what it sent: the
relay, which holds some of that, notices all the same and tells the tenant."""
import contextlib
import select
import socket
import time

import harness
import held
import wire
from harness import wait_for

TOLD = select.POLLHUP | select.POLLRDHUP
MUCH = bytes(3000000)


class Deaf(harness.Case):
    def setUp(self):
        super().setUp()
        self.told = []
        host = self.host('a.example')
        for name in ('http-socket', 'tls-socket'):
            self.tenant(host / name, self.deaf)
        self.daemon = self.usherd()

    def deaf(self, connection):
        """Reads a little, and never again."""
        connection.recv(300)
        poll = select.poll()
        poll.register(connection, TOLD)
        self.told += poll.poll(8000)

    def breaks_off(self, port, first, body):
        with socket.create_connection(('127.0.0.1', port)) as client:
            client.sendall(first)
            client.settimeout(1)
            with contextlib.suppress(TimeoutError):
                client.sendall(body)
            time.sleep(0.3)
            self.assertEqual(self.told, [])
            held.reset(client)
        wait_for(lambda: self.told, 3)

    def test_tls(self):
        self.breaks_off(self.daemon.tls, wire.hello('a.example'), MUCH)

    def test_request(self):
        for length in (len(MUCH), 100 * len(MUCH)):
            self.told.clear()
            head = wire.head('a.example').replace(b'GET', b'POST').replace(
                b'\r\n\r\n', b'\r\nContent-Length: %d\r\n\r\n' % length)
            self.breaks_off(self.daemon.http, head, MUCH)


if __name__ == '__main__':
    harness.unittest.main()
