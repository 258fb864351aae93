# SPDX-License-Identifier: ISC
"""usherd keeps nothing of a connection that it has handed off, neither memory
nor a descriptor, and needs no relay for it."""
import contextlib
import os
import signal
import socket
import time
import unittest

import held
import wire
from handed import FLIGHTS, HEAD, HELLO, NAME, Case
from harness import ROOT, wait_for
from talker import Talker, request, together

MANY = 2000
WARM = 500                      # after which memory is as large as it gets
GROWN = 64                      # kB, of all processes together


def inodes(pid):
    """Of the sockets that a process has open; needs root."""
    found = set()
    for number in os.listdir(f'/proc/{pid}/fd'):
        with contextlib.suppress(FileNotFoundError):
            link = os.readlink(f'/proc/{pid}/fd/{number}')
            if link.startswith('socket:['):
                found.add(int(link[8:-1]))
    return found


class Copies(Case):
    def setUp(self):
        super().setUp()
        held.want_descriptors(self, 2 * MANY)
        self.begin()
        self.pids = held.ready_children(self.daemon,
                                        len(held.children(self.daemon)))

    def table(self):
        return {pid: held.descriptors(pid)
                for pid in held.processes(self.daemon)}

    @unittest.skipUnless(ROOT, 'needs to read /proc/PID/fd')
    def test_nobody_has_one(self):
        """When the tenant has it no parser or relay does, and a moment later
        not the front either; while the connection lives."""
        self.receiver()
        front = held.front(self.daemon)
        for flight in FLIGHTS:
            with self.subTest(flight):
                _, given = self.visit(flight)
                self.assertNotIn(given['inode'],
                                 set().union(*map(inodes, self.pids)))
                wait_for(lambda: given['inode'] not in inodes(
                    front), 0.5)

    def test_the_end_is_the_tenants(self):
        """The client sees it as soon as the tenant closes."""
        self.receiver(talk='text', text='served')
        for protocol, data in FLIGHTS.values():
            for late in (0, 0.1):       # already there, or waited for
                with self.connect(protocol) as client:
                    time.sleep(late)
                    client.settimeout(0.5)
                    client.sendall(data)
                    self.assertEqual(wire.read_all(client), b'served')

    def test_no_descriptor(self):
        """The counts go back to what they were, while all of them live."""
        tenant = self.receiver(talk='echo')
        empty = self.table()
        for protocol, data in FLIGHTS.values():
            for _ in range(50):
                self.connect(protocol).sendall(data)
        wait_for(lambda: tenant.count('received') == 50 * len(FLIGHTS))
        wait_for(lambda: self.table() == empty, 3)
        self.assertEqual(tenant.count('open'), 50 * len(FLIGHTS))

    def memory(self):
        return sum(held.rss(pid) for pid in held.processes(self.daemon))

    def open(self, n):
        def some():
            for _ in range(n // 4):
                for protocol, data in (('tls', HELLO), ('http', HEAD)):
                    client = self.connect(protocol)
                    client.sendall(data)
                    client.recv(1)
        together(some, some)

    @unittest.skipUnless(held.as_shipped(), 'a sanitizer keeps memory')
    def test_no_memory(self):
        """2,000 that stay open, and nothing grows."""
        tenant = self.receiver(talk='echo')
        self.open(WARM)
        before = self.memory()
        self.open(MANY)
        self.assertEqual(tenant.count('open'), WARM + MANY)
        self.assertLessEqual(self.memory() - before, GROWN)

    def test_no_processor(self):
        """What passes between client and tenant costs us nothing."""
        tenant = self.receiver(talk='echo')
        client = self.connect('tls')
        client.sendall(HELLO)
        held.exactly(client, len(HELLO))
        time.sleep(1.1)         # the message's last look
        before = held.cpu(held.processes(self.daemon))
        for _ in range(500):
            client.sendall(b'x' * 50000)
            held.exactly(client, 50000)
        self.assertGreater(tenant.count('answers'), 500)
        self.assertEqual(held.cpu(held.processes(self.daemon)), before)


class Children(Case):
    """What becomes of hand-offs when children stop or die."""

    def echoes(self, protocol, data, seconds=5):
        with self.connect(protocol) as client:
            client.settimeout(seconds)
            client.sendall(data)
            return held.exactly(client, len(data)) == data

    def test_a_stopped_parser(self):
        """One that has said the name and kept its copy is told to drop it,
        and does not: the connection goes on when it is dead."""
        self.receiver()
        self.begin()
        client = self.connect('http')
        client.sendall(HEAD[:10])
        parser, = held.children(self.daemon, 'usherd-http')
        time.sleep(0.1)         # it is in its hands
        with held.fronts_stopped(self.daemon):
            client.sendall(HEAD[10:])
            time.sleep(0.1)     # the verdict is in the pipe
            os.kill(parser, signal.SIGSTOP)
        given = self.tenant_process.given()
        self.assertFalse(held.runs(parser))
        if ROOT:
            for pid in held.children(self.daemon):
                self.assertNotIn(given['inode'], inodes(pid))
        self.assertEqual(given['options']['SO_RCVLOWAT'], 1)
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(self.tenant_process.data(), HEAD)
        self.daemon.wait_log('http parser 1')
        self.assertNotIn('refused', self.daemon.said())

    def test_a_stopped_parser_of_two(self):
        """The other shard's connections are handed off meanwhile."""
        self.receiver(talk='echo')
        self.daemon = self.usherd('-j', '2')
        for protocol, data in FLIGHTS.values():
            lines = len(self.daemon.log_lines)
            os.kill(held.children(self.daemon, f'usherd-{protocol}')[0],
                    signal.SIGSTOP)
            self.daemon.wait_log('stopped: replacing', after=lines)
            for _ in range(20):
                self.assertTrue(self.echoes(protocol, data, 1))

    def test_stopped_relays(self):
        """A hand-off needs none."""
        self.receiver(talk='echo')
        self.begin()
        for pid in held.children(self.daemon, 'usherd-relay'):
            os.kill(pid, signal.SIGSTOP)
        for protocol, data in FLIGHTS.values():
            self.assertTrue(self.echoes(protocol, data, 1))

    def without_relays(self, flights):
        """Hand-offs while relays die as soon as they are there; how many."""
        self.receiver(talk='echo')
        self.begin()
        end = time.monotonic() + 1.5
        count = 0
        while time.monotonic() < end:
            for pid in held.children(self.daemon, 'usherd-relay'):
                os.kill(pid, signal.SIGKILL)
            for protocol, data in flights:
                self.assertTrue(self.echoes(protocol, data))
                count += 1
        self.daemon.wait_log('in a row')
        return count

    def test_no_relay_at_all(self):
        self.assertGreater(self.without_relays([FLIGHTS['hello']]), 100)

    def test_no_pair_for_long(self):
        """With its relay a usherd-http ends: whoever comes waits for the
        next, and is handed off by that."""
        self.without_relays([flight for flight in FLIGHTS.values()
                             if flight[0] == 'http'])

    def test_kept_alive_requests_when_a_parser_dies(self):
        """The tenant goes on: nobody else had a part in it."""
        self.receiver(talk='http', text='a')
        self.begin()
        talker = Talker(self.daemon.http)
        self.addCleanup(talker.socket.close)
        for i in range(10):
            self.assertEqual(talker.ask(request(NAME, f'/{i}')).body.decode(),
                             f'a GET {NAME} /{i}')
            for pid in held.children(self.daemon, 'usherd-http'):
                os.kill(pid, signal.SIGKILL)


if __name__ == '__main__':
    unittest.main()
