# SPDX-License-Identifier: ISC
"""Who never says anything is not answered and not logged: browsers connect
ahead, and may never need the connection."""
import threading
import time

import harness
import wire

DEADLINE = 10


class Silent(harness.Case):
    def setUp(self):
        super().setUp()
        host = self.host('a.example')
        self.tenant(host / 'tls-socket', harness.echo_server)
        self.tenant(host / 'http-socket', self.serve)
        self.daemon = self.usherd()

    @staticmethod
    def serve(connection):
        """Any number of requests without a body."""
        while harness.read_head(connection).endswith(b'\r\n\r\n'):
            harness.respond(connection, 'here', close=False)

    def visit(self, tls, data, end=False):
        """Sends data and waits; gives (what came, after how long)."""
        client = wire.connect(self.daemon.tls if tls else self.daemon.http)
        self.addCleanup(client.close)
        client.sendall(data)
        if end:
            client.shutdown(wire.socket.SHUT_WR)
        began = time.monotonic()
        return wire.read_all(client), time.monotonic() - began

    def at_once(self, visits):
        """The same for several that wait at the same time."""
        answers = {}

        def one(visit):
            answers[visit] = self.visit(*visit)
        threads = [threading.Thread(target=one, args=(visit,))
                   for visit in visits]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        return [answers[visit] for visit in visits]

    def refusals(self):
        return [line for line in self.daemon.said().splitlines()
                if 'refused' in line]

    def test_ten_seconds(self):
        silent = [(True, b''), (False, b''),
                  # RFC 9112 section 2.2: no part of a request
                  (False, b'\r\n'), (False, b'\r\n\r\n\r')]
        begun = [(True, b'\x16'), (False, b'G'), (False, b'\r\n\r\nG')]
        kept = wire.connect(self.daemon.http)
        self.addCleanup(kept.close)
        kept.sendall(wire.head() + b'\r\n')     # an empty line too many
        self.assertTrue(kept.recv(1000).endswith(b'here'))
        answers = self.at_once(silent + begun)
        for _, seconds in answers:
            self.assertGreater(seconds, DEADLINE - 0.5)
            self.assertLess(seconds, DEADLINE + 2)
        self.assertEqual([answer.replace(b'<reset>', b'')
                          for answer, _ in answers[:4]], [b''] * 4)
        self.assertEqual(answers[4][0], harness.alert(90))
        for answer, _ in answers[5:]:
            self.assertTrue(answer.startswith(b'HTTP/1.1 408 '))
        self.assertEqual(
            sorted(line.split(' reason=')[1] for line in self.refusals()),
            ['timeout alert=90', 'timeout status=408', 'timeout status=408'])
        kept.settimeout(1)
        with self.assertRaises(TimeoutError):
            kept.recv(1000)
        kept.sendall(wire.head())
        self.assertTrue(kept.recv(1000).endswith(b'here'))

    def test_an_end(self):
        answer, seconds = self.visit(False, b'\r\n\r\n', end=True)
        self.assertEqual(answer.replace(b'<reset>', b''), b'')
        self.assertLess(seconds, 2)
        self.assertEqual(self.refusals(), [])

    def test_an_end_in_the_middle(self):
        self.assertEqual(self.visit(True, b'\x16', end=True)[0],
                         harness.alert(50))
        self.assertTrue(self.visit(False, b'\r\nG', end=True)[0].startswith(
            b'HTTP/1.1 400 '))
        self.assertEqual(len(self.refusals()), 2)


if __name__ == '__main__':
    harness.unittest.main()
