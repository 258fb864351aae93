# SPDX-License-Identifier: ISC
"""What is peeked at a tenant's socket is what is moved, whatever the tenant
mixes into its stream: peeksplice.c with the options that usherd-front sets,
and through usherd with a tenant that sends out of band where its responses
are framed, and more than it may."""
import contextlib
import random
import re
import socket
import subprocess
import unittest

import harness
from held import exactly

PEEKSPLICE = harness.BUILD / 'tests' / 'peeksplice'
EXCHANGES = 200000
NAMES = ('a.example', 'b.example')
ASKED = 300             # through usherd, from each host in turn
JUNK = b'7\r\nanother\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'


def compared(how, seed):
    """What peeksplice.c counts."""
    said = subprocess.run([PEEKSPLICE, how, str(seed), str(EXCHANGES)],
                          check=True, capture_output=True, text=True,
                          timeout=120).stdout.split()
    return dict(zip(said[::2], map(int, said[1::2])))


@unittest.skipUnless(PEEKSPLICE.exists(), 'build/tests/peeksplice is not built')
class PeekSplice(unittest.TestCase):
    def same(self, counts):
        self.assertEqual(
            {name: counts[name] for name in
             ('exchanges', 'differences', 'lost', 'short')},
            {'exchanges': EXCHANGES, 'differences': 0, 'lost': 0, 'short': 0})
        self.assertGreater(counts['oob'], EXCHANGES / 4)

    def test_as_the_front_connects(self):
        self.same(compared('front', 1))

    def test_with_descriptors(self):
        """As on kernels where nobody can refuse them."""
        counts = compared('rights', 2)
        self.same(counts)
        self.assertGreater(counts['descriptors'], EXCHANGES / 8)

    def test_without_the_option(self):
        """That the others can fail."""
        counts = compared('plain', 3)
        self.assertGreater(counts['differences'], EXCHANGES / 1000)


def response(name, number):
    """A chunked one, and where to cut it: the same for the same words."""
    chance = random.Random(f'{name} {number}')
    text = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
    for _ in range(chance.randrange(1, 20)):
        n = chance.choice((1, 15, 16, 17, 255, 256, 1000))
        text += b'%x\r\n%s\r\n' % (n, bytes(chance.choices(b'0123', k=n)))
    return text + b'0\r\n\r\n', chance


def send_cut(connection, text, chance):
    """Some pieces end with a byte out of band; more of them where sizes of
    chunks are, for there are more short ones."""
    while text:
        n = chance.choice((1, 1, 2, 3, 5, 17, 300))
        connection.send(text[:n], chance.choice((0, socket.MSG_OOB)))
        text = text[n:]


class Mixing:
    """A tenant whose answers are response(name, number)."""

    def __init__(self, name):
        self.name = name

    def __call__(self, connection):
        while head := harness.read_head(connection):
            number = int(re.match(rb'GET /(\d+) ', head).group(1))
            text, chance = response(self.name, number)
            junk = JUNK if chance.randrange(3) == 0 else b''
            with contextlib.suppress(BrokenPipeError):
                send_cut(connection, text + junk, chance)


class Mixed(harness.Case):
    def test_responses_with_bytes_out_of_band(self):
        """On one connection from two hosts in turn: each response whole, and
        of what comes behind one nothing."""
        for name in NAMES:
            self.tenant(self.host(name) / 'http-socket', Mixing(name))
        daemon = self.usherd(tls=0)
        with socket.create_connection(('127.0.0.1', daemon.http), 10) as s:
            for number in range(ASKED):
                name = NAMES[number % 2]
                s.sendall(b'GET /%d HTTP/1.1\r\nHost: %s\r\n\r\n' %
                          (number, name.encode()))
                text, _ = response(name, number)
                self.assertEqual(exactly(s, len(text)), text, number)


if __name__ == '__main__':
    unittest.main()
