# SPDX-License-Identifier: ISC
"""Receivers that do not read keep a relay's bytes in pipes, of which the
system gives a user so many and no more (pipe(7)): they leave the others
theirs."""
import contextlib
import fcntl
import hashlib
import os
import pathlib
import pwd
import resource
import socket
import unittest

import harness
import held
import wire
from harness import ROOT, USER, wait_for

READERS = 300           # with 256 KiB each they would have all pages
BYTES = 1 << 20         # to each: more than all sockets on the way hold
CONTENT = bytes(range(251)) * (BYTES // 251 + 1)
DIGEST = hashlib.sha256(CONTENT[:BYTES]).digest()
SOFT = pathlib.Path('/proc/sys/fs/pipe-user-pages-soft')
PAGE = os.sysconf('SC_PAGESIZE')
F_GETPIPE_SZ = 1032
DEFAULT = 16 * PAGE
GROWN = 256 * 1024


def soft_limit():
    """Bytes of pipes that a user may have before he gets less."""
    with contextlib.suppress(OSError):
        return int(SOFT.read_text()) * PAGE
    return 0


def pipes(pid):
    """The sizes of the pipes that a process has both ends of; for root."""
    seen = {}
    directory = f'/proc/{pid}/fd'
    for name in os.listdir(directory):
        path = f'{directory}/{name}'
        with contextlib.suppress(FileNotFoundError):
            target = os.readlink(path)
            if not target.startswith('pipe:'):
                continue
            seen.setdefault(target, []).append(path)
    sizes = []
    for paths in seen.values():
        if len(paths) != 2:
            continue
        fd = os.open(paths[0], os.O_RDONLY | os.O_NONBLOCK)
        sizes.append(fcntl.fcntl(fd, F_GETPIPE_SZ))
        os.close(fd)
    return sizes


def new_pipe_of(user):
    """The size of a new pipe of this user's, and what it can grow to."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        if ROOT:
            os.setuid(pwd.getpwnam(user).pw_uid)
        r, _ = os.pipe()
        sizes = [fcntl.fcntl(r, F_GETPIPE_SZ)]
        with contextlib.suppress(OSError):
            sizes.append(fcntl.fcntl(r, 1031, GROWN))
        os.write(theirs, repr(sizes).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(theirs)
    text = os.read(ours, 100)
    os.close(ours)
    return text.decode()


FLIGHT = len(wire.hello('slow.example'))


def pour(connection):
    """serve() that reads the hello and answers with all the content."""
    held.exactly(connection, FLIGHT)
    connection.sendall(CONTENT[:BYTES])


class Stuck(harness.Case):
    def setUp(self):
        super().setUp()
        held.want_descriptors(self, 4 * READERS)
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard < 6 * (READERS + 100):
            self.skipTest(f'only {hard} open files: no room for {READERS}')
        if not DEFAULT * 4 < soft_limit() <= GROWN * READERS:
            self.skipTest('another limit on pipes than usual')
        if new_pipe_of(USER) != repr([DEFAULT, GROWN]):
            self.skipTest(f'{USER} has no pipe pages left as it is')

    def connect(self, daemon, name):
        """A client as from a network: short segments, small buffers."""
        client = socket.socket()
        self.addCleanup(client.close)
        client.settimeout(20)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            client.setsockopt(socket.SOL_SOCKET, option, 1 << 16)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
        client.connect(('127.0.0.1', daemon.tls))
        client.sendall(wire.hello(name))
        return client

    def relays_rest(self, daemon):
        """Nothing more moves: all of them are stuck."""
        relays = held.children(daemon, 'usherd-relay')

        def rest():
            before = held.cpu(relays)
            harness.time.sleep(0.3)
            return held.cpu(relays) == before
        wait_for(rest, 20)
        return relays

    def left(self, daemon):
        """What the stuck ones leave to their user."""
        relays = self.relays_rest(daemon)
        if ROOT:
            total = sum(sum(pipes(pid)) for pid in relays)
            self.assertGreater(total, 0)
            self.assertLess(total, soft_limit() // 2)
        self.assertEqual(new_pipe_of(USER), repr([DEFAULT, GROWN]))

    def read(self, client):
        digest = hashlib.sha256()
        while piece := client.recv(1 << 18):
            digest.update(piece)
        return digest.digest()

    def test_slow_readers(self):
        """Clients that do not read have less than half of the pages between
        them; then they read, and each gets every byte."""
        self.tenant(self.host('slow.example') / 'tls-socket', pour)
        self.tenant(self.host('fast.example') / 'tls-socket', pour)
        daemon = self.usherd('-j', '1')
        clients = [self.connect(daemon, 'slow.example')
                   for _ in range(READERS)]
        self.left(daemon)
        other = self.connect(daemon, 'fast.example')
        self.assertEqual(self.read(other), DIGEST)
        for client in clients:
            self.assertEqual(self.read(client), DIGEST)

    def test_slow_tenants(self):
        """The same the other way round: tenants that do not read what clients
        send."""
        go = harness.threading.Event()
        digests = []

        def swallow(connection):
            held.exactly(connection, FLIGHT)
            go.wait(60)
            digests.append(self.read(connection))

        self.addCleanup(go.set)
        self.tenant(self.host('slow.example') / 'tls-socket', swallow)
        daemon = self.usherd('-j', '1')
        clients = [self.connect(daemon, 'slow.example')
                   for _ in range(READERS)]
        unsent = [CONTENT[:BYTES]] * READERS

        def send():
            """As much as they take; true when all has left."""
            for i, client in enumerate(clients):
                if not unsent[i]:
                    continue
                with contextlib.suppress(BlockingIOError):
                    unsent[i] = unsent[i][client.send(unsent[i]):]
                if not unsent[i]:
                    client.shutdown(socket.SHUT_WR)
            return not any(unsent)

        for client in clients:
            client.setblocking(False)
        for _ in range(10):
            self.assertFalse(send())
        self.left(daemon)
        go.set()
        wait_for(send, 20)
        wait_for(lambda: len(digests) == READERS, 20)
        self.assertEqual(set(digests), {DIGEST})


if __name__ == '__main__':
    unittest.main()
