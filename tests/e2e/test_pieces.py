# SPDX-License-Identifier: ISC
"""Responses in the smallest pieces: what each costs usherd-http.  A head that
was looked at as a whole whenever more of it comes would cost 17 s."""
import time
import unittest

import harness
import wire
from held import exactly

BYTES = 10000
HEAD_SECONDS = 0.020    # of CPU, for a head of 10,000 bytes
RATIO = 2               # to what the tenant spends on sending it


def schedstat(pid):
    """Seconds of CPU; /proc/PID/stat has them in ticks of 10 ms."""
    with open(f'/proc/{pid}/schedstat') as f:
        return int(f.read().split()[0]) / 1e9


def parser_of(daemon):
    """pid of its usherd-http."""
    for pid in daemon.children():
        with open(f'/proc/{pid}/comm') as f:
            if f.read() == 'usherd-http\n':
                return pid
    raise AssertionError('no usherd-http')


def long_head():
    """A whole response, most of which is head."""
    start = b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n'
    end = b'\r\n\r\n'
    lines = b''
    while len(start) + len(lines) + len(end) < BYTES:
        left = BYTES - len(start) - len(lines) - len(end)
        lines += b'X-Filler: ' + b'x' * min(90, max(left - 10, 1)) + b'\r\n'
    return start + lines + b'\r\nhello'


def one_by_one(text):
    return [text[i:i + 1] for i in range(len(text))]


class Pieces(harness.Case):
    """a.example's answer is self.pieces, each in a write of its own."""

    def setUp(self):
        super().setUp()
        self.pieces, self.pause, self.spent = [], 0, 0.0
        self.tenant(self.host('a.example') / 'http-socket', self.send)
        self.tenant(self.host('b.example') / 'http-socket',
                    harness.http_server('here'))
        self.daemon = self.usherd('-j', '1', tls=0)

    def send(self, connection):
        while harness.read_head(connection):
            before = time.thread_time()
            for piece in self.pieces:
                connection.send(piece)
                if self.pause > 0:
                    time.sleep(self.pause)
            self.spent = time.thread_time() - before
            connection.send(b'more than it may')

    def cost(self, pieces, pause=0):
        """Seconds of CPU of usherd-http for a response, of which it has found
        the end."""
        self.pieces, self.pause = pieces, pause
        whole = b''.join(pieces)
        pid = parser_of(self.daemon)
        before = schedstat(pid)
        with wire.connect(self.daemon.http) as client:
            client.sendall(wire.head('a.example'))
            self.assertEqual(exactly(client, len(whole)), whole)
            time.sleep(0.2)     # for what is behind it
            client.sendall(wire.head('b.example'))
            self.assertRegex(exactly(client, 1 << 16),
                             rb'\AHTTP/1.1 200 OK\r\n(?s:.*)\r\nhere\Z')
        return schedstat(pid) - before

    def test_head(self):
        """Byte by byte, as fast as they are taken."""
        self.assertLessEqual(self.cost(one_by_one(long_head())), HEAD_SECONDS)

    def test_dripping_head(self):
        """Byte by byte, each after that before it has been taken: not more
        than a small multiple of what it costs who sends them."""
        cost = self.cost(one_by_one(long_head()), 0.0001)
        self.assertLessEqual(cost, RATIO * self.spent)

    def test_chunks(self):
        """Of one byte each, the same."""
        pieces = [b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n']
        pieces += [b'1\r\nx\r\n'] * BYTES + [b'0\r\n\r\n']
        cost = self.cost(pieces)
        self.assertLessEqual(cost, RATIO * self.spent)


if __name__ == '__main__':
    unittest.main()
