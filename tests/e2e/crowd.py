# SPDX-License-Identifier: ISC
"""Many visitors at once, who all say the same and wait for what comes."""
import collections
import selectors
import socket
import time

import harness
import wire


class Visitor:
    def __init__(self, port, flight):
        self.flight, self.answer, self.ended = flight, b'', False
        self.socket = wire.connect(port)
        self.socket.sendall(flight)
        self.socket.setblocking(False)

    def ready(self):
        """Takes what has come; gives whether that was all."""
        try:
            piece = self.socket.recv(65536)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            piece = b''
        self.answer += piece
        self.ended = not piece
        return self.ended

    @property
    def outcome(self):
        """'waits', 'served' (echoed, or 200), 'refused' or 'cut'."""
        if self.answer in (self.flight, wire.echoed(self.flight),
                           b'served') or (
                self.answer.startswith(b'HTTP/1.1 200 ')):
            return 'served'
        if self.answer == harness.alert(80) or (
                self.answer.startswith(b'HTTP/1.1 503 ')):
            return 'refused'
        if self.answer:
            return repr(self.answer)
        return 'cut' if self.ended else 'waits'


class Crowd:
    """n visitors of a port; they leave with the test."""

    def __init__(self, case, port, flight, n):
        self.selector = selectors.DefaultSelector()
        case.addCleanup(self.leave)
        self.visitors = []
        for _ in range(n):
            visitor = Visitor(port, flight)
            self.visitors.append(visitor)
            self.selector.register(visitor.socket, selectors.EVENT_READ,
                                   visitor)

    def look(self, seconds=0.0):
        for key, _ in self.selector.select(seconds):
            if key.data.ready():
                self.selector.unregister(key.fileobj)

    def outcomes(self):
        self.look()
        return collections.Counter(one.outcome for one in self.visitors)

    def leave(self):
        for visitor in self.visitors:
            visitor.socket.close()
        self.selector.close()

    def reset(self):
        """All leave at once, and rudely."""
        for visitor in self.visitors:
            visitor.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                      b'\1\0\0\0\0\0\0\0')
        self.leave()


def settle(crowds, done, seconds=10):
    """Waits until done(outcomes of them all); gives those."""
    end = time.monotonic() + seconds
    while True:
        seen = sum((crowd.outcomes() for crowd in crowds),
                   collections.Counter())
        if done(seen):
            return seen
        if time.monotonic() > end:
            raise AssertionError(f'after {seconds} s: {seen}')
        crowds[0].look(0.05)
