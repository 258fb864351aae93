# SPDX-License-Identifier: ISC
"""Tenants who would have usherd wait for them: the last close of a TCP socket
with SO_LINGER (socket(7)) takes as long as they like."""
import contextlib
import os
import signal
import socket
import struct
import unittest

import harness
import held
import wire
from harness import wait_for

LINGER = 20                     # seconds
SOON = 5                        # much less
NAME = 'evil.example'
ONCE = b'GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n'


class Lingering(harness.Case):
    def setUp(self):
        super().setUp()
        self.evil, good = self.host(NAME), self.host('good.example')
        self.tenant(good / 'http-socket', harness.http_server('good'))

    def listen(self, entry, backlog=5):
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(str(self.evil / entry))
        os.chmod(self.evil / entry, 0o666)
        listener.listen(backlog)
        return listener

    def visit(self, name=NAME, text=ONCE):
        client = wire.connect(self.daemon.http, SOON)
        self.addCleanup(client.close)
        client.sendall(text % name.encode() if b'%' in text else text)
        return client

    def trap(self):
        """A TCP socket whose last close takes long, and whose other side
        lets it end with the test."""
        with socket.create_server(('127.0.0.1', 0)) as listener:
            ours = socket.create_connection(listener.getsockname())
            other, _ = listener.accept()
        self.addCleanup(held.reset, other)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack('ii', 1, LINGER))
        ours.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                ours.send(bytes(65536))
        return ours

    def sent_on(self, stream):
        """Was the trap taken?  If so, our own copy is closed first."""
        ours = self.trap()
        try:
            socket.send_fds(stream, [b'x'], [ours.fileno()])
        except OSError:
            with contextlib.suppress(OSError):  # without a last close
                ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                struct.pack('ii', 0, 0))
            ours.close()
            return False
        ours.close()
        return True

    def good_is_served(self):
        self.assertIn(b'good', wire.read_all(self.visit('good.example')))

    def test_a_socket_sent_back_on_the_stream(self):
        listener = self.listen('http-handoff')
        self.daemon = self.usherd('-j', '1')
        self.visit()
        stream, _ = listener.accept()
        self.addCleanup(stream.close)
        self.assertFalse(self.sent_on(stream))
        message, fds, _, _ = socket.recv_fds(stream, 64, 8)
        self.assertEqual((len(message), len(fds)), (8, 1))
        os.close(fds[0])
        for _ in range(3):
            self.good_is_served()

    def test_a_socket_sent_to_a_relay(self):
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.setsockopt(socket.SOL_SOCKET, 83, 0)
            except OSError:
                self.skipTest('no SO_PASSRIGHTS before Linux 6.16')
        listener = self.listen('http-socket')
        self.daemon = self.usherd('-j', '1')
        client = self.visit()
        stream, _ = listener.accept()
        self.addCleanup(stream.close)
        self.assertFalse(self.sent_on(stream))
        self.good_is_served()
        stream.sendall(b'still')
        self.assertEqual(held.exactly(client, 5), b'still')

    def test_a_parser_that_dies_while_its_client_waits(self):
        """For a full backlog: he gets his answer all the same."""
        listener = self.listen('http-socket', 0)
        with socket.socket(socket.AF_UNIX) as filler:
            filler.connect(listener.getsockname())
            self.daemon = self.usherd('-j', '1')
            front = held.front(self.daemon)
            table = held.descriptors(front)
            client = self.visit(
                text=b'GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n')
            wait_for(lambda: held.descriptors(front) > table)
            for pid in held.children(self.daemon, 'usherd-http'):
                os.kill(pid, signal.SIGKILL)
            self.assertIn(b' 503 ', client.recv(100))
        wait_for(lambda: held.descriptors(front) <= table)


if __name__ == '__main__':
    unittest.main()
