# SPDX-License-Identifier: ISC
"""A front and a parser of our own before a real relay for HTTP."""
import time

import harness
import held
import wire
from fronts import Relay

REQUEST = b'q' * 100
RESPONSE = b'a' * 200
SERIAL = -1         # of a progress


class Case(harness.Case):
    def setUp(self):
        super().setUp()
        self.relay = Relay(self, 'http')

    def moves(self, source, target, data):
        source.sendall(data)
        self.assertEqual(held.exactly(target, len(data)), data)

    def silent(self, *sockets, seconds=0.3):
        """None of them gets anything."""
        time.sleep(seconds)
        for each in sockets:
            each.setblocking(False)
            with self.assertRaises(BlockingIOError):
                each.recv(1)
            each.settimeout(10)

    def ends(self, *sockets, data=b''):
        for each in sockets:
            self.assertEqual(wire.read_all(each), data)

    def told(self, number=1, seconds=10, **want):
        """The next progress; want: what is not 0 in it, but its serial."""
        record, = self.relay.progress(1, seconds)
        names = ('id', 'backend', 'untaken', 'up', 'down', 'flags')
        expected = dict.fromkeys(names, 0) | {'id': number, 'backend': 1}
        self.assertEqual(dict(zip(names, record)), expected | want)
        self.assertEqual(record[SERIAL], self.relay.serials[number])

    def nothing_told(self):
        self.assertEqual(self.relay.progress(), [])

    def ended(self, ending, up, down, number=1, seconds=10):
        self.assertEqual(self.relay.ended(number, seconds),
                         (ending, up, down))
