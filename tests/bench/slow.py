#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What slow readers of one tenant cost the others: throughput of another
tenant's connection beside them, as a ratio to that without them.

usage: tests/bench/slow.py [READERS]        (default: 1200)

One relay, TLS.  In each round the same bytes are moved once without the slow
readers and once beside them, down (to the client) and up (to the tenant); a
figure is the median of the rounds' ratios.  Slow readers ask their tenant for
a gigabyte each and read next to nothing; slow tenants, the same the other way
round, are sent as much as they leave room for.  CPU is usherd's for the same
bytes, again as a ratio: where others work on the machine it says more.  Everything is on loopback and
ends by itself.
"""
import contextlib
import os
import pathlib
import resource
import signal
import socket
import statistics
import sys
import tempfile
import threading
import time

import peers
from proxy import Proxy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'e2e'))
import wire  # noqa: E402  pylint: disable=wrong-import-position

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get('USHER_BUILD', TOP / 'build')).resolve()
ROUNDS = int(os.environ.get('ROUNDS', '5'))
BULK = 1 << 29
WINDOW = 1 << 16        # a slow reader's receive buffer
SEGMENT = 1400          # and its segments, as on most networks: loopback's of
                        # 64 KiB give each a send buffer of megabytes, and
                        # 1,200 of those use up the machine's tcp_mem


def listen(path):
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    os.chmod(path, 0o666)
    server.listen(4096)
    return server


def pour(connection):
    """Sends a gigabyte, or until the other side has had enough."""
    block = bytes(1 << 20)
    with connection, contextlib.suppress(OSError):
        for _ in range(1 << 10):
            connection.sendall(block)


def deaf(_):
    """Reads nothing, for as long as there is a tenant."""
    time.sleep(3600)


def swallow(connection, n):
    """Reads n bytes and says so."""
    buffer = bytearray(1 << 20)
    with connection, contextlib.suppress(OSError):
        while n > 0:
            n -= connection.recv_into(buffer)
        connection.sendall(b'.')


class Tenant:
    """A process of its own: accepts, takes the hello, serves."""

    def __init__(self, hosts, name, serve):
        path = hosts / name / 'tls-socket'
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        server = listen(path)
        self.pid = os.fork()
        if self.pid == 0:
            self.run(server, len(wire.hello(name)), serve)
        server.close()

    @staticmethod
    def run(server, flight, serve):
        def one(connection):
            left = flight
            while left > 0:
                left -= len(connection.recv(left))
            serve(connection)
        while True:
            threading.Thread(target=one, args=(server.accept()[0],),
                             daemon=True).start()

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def connect(port, name, window=None):
    client = socket.socket()
    if window is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
    client.connect(('127.0.0.1', port))
    client.sendall(wire.hello(name))
    return client


def down(port):
    """GB/s of one connection to its client."""
    buffer, got = bytearray(1 << 20), 0
    begun = time.monotonic()
    with connect(port, 'down.example') as client:
        while got < BULK:
            got += client.recv_into(buffer)
    return got / (time.monotonic() - begun) / 1e9


def up(port):
    """GB/s of one connection to its tenant."""
    block = bytes(1 << 20)
    begun = time.monotonic()
    with connect(port, 'up.example') as client:
        for _ in range(BULK >> 20):
            client.sendall(block)
        client.recv(1)
    return BULK / (time.monotonic() - begun) / 1e9


class Slow:
    """n connections on which nobody reads what is sent, and their tenant."""

    def __init__(self, hosts, port, n, serve):
        self.tenant = Tenant(hosts, 'slow.example', serve)
        self.held = []
        for _ in range(n):
            client = connect(port, 'slow.example', WINDOW)
            client.setblocking(False)
            self.held.append(client)
        if serve is deaf:
            self.fill()
        time.sleep(2)

    def fill(self):
        """As much as the tenant's sockets and the relay take."""
        block = bytes(1 << 16)
        for _ in range(20):
            for client in self.held:
                with contextlib.suppress(BlockingIOError):
                    client.send(block)
            time.sleep(0.02)

    def close(self):
        self.tenant.end()
        for client in self.held:
            client.close()
        time.sleep(1)


def one(proxy, move):
    """GB/s, and seconds of usherd's CPU; once before, unmeasured."""
    move(proxy.port)
    before = proxy.cpu()
    return move(proxy.port), proxy.cpu() - before


def measure(proxy, move, slow):
    """The medians: without, beside, of their ratios, and of CPU's ratios."""
    without, beside = [], []
    for _ in range(ROUNDS):
        without.append(one(proxy, move))
        crowd = slow()
        beside.append(one(proxy, move))
        crowd.close()
    pairs = list(zip(beside, without))
    return [statistics.median(values) for values in (
        [speed for speed, _ in without], [speed for speed, _ in beside],
        [b[0] / w[0] for b, w in pairs], [b[1] / w[1] for b, w in pairs])]


def run(directory, log, readers):
    hosts = directory / 'hosts'
    hosts.mkdir()
    port = peers.free_port()
    tenants = [Tenant(hosts, 'down.example', pour),
               Tenant(hosts, 'up.example', lambda one: swallow(one, BULK))]
    proxy = Proxy('usherd', [BUILD / 'usherd', '-d', hosts, '-j', '1', '-t',
                             f'127.0.0.1:{port}'], port, log)
    try:
        for move, serve in ((down, pour), (up, pour), (down, deaf),
                            (up, deaf)):
            alone, beside, ratio, cpu = measure(
                proxy, move, lambda s=serve: Slow(hosts, port, readers, s))
            print('%-5s%6.2f GB/s alone%6.2f beside %d slow %s  '
                  'ratio %.2f  CPU %.2f' % (
                      move.__name__, alone, beside, readers, 'readers'
                      if serve is pour else 'tenants', ratio, cpu),
                  flush=True)
    finally:
        proxy.stop()
        for one in tenants:
            one.end()


def main():
    readers = int(sys.argv[1]) if len(sys.argv) > 1 else 1200
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    threading.stack_size(256 * 1024)
    with tempfile.TemporaryDirectory(prefix='usher-slow.') as name:
        os.chmod(name, 0o755)
        directory = pathlib.Path(name)
        run(directory, directory / 'log', readers)


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main()
