#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What a client holds that has asked for much and does not read.

usage: tests/bench/memory.py [DIRECTORY-OF-ANOTHER-BUILD]

CLIENTS (100) of them ask for 100 MB each, over TLS (relayed by SNI) and over
HTTP, read nothing of it or the first 10 MB (by then the send buffers have
grown), and stop.  Of each connection, in kB: what the proxy's socket to the
client has queued; pipes of the proxy with something in them, at their full
size; memory of the proxy's processes; and what waits in the UNIX socket from
the tenant.  LIMIT (400) kB is the most that all of it may be for usherd: else
it ends with status 1.  Wants ss(8) and to be root: it looks into the proxy's
pipes.  haproxy is there to compare.  Everything is on loopback and ends by
itself.
"""
import contextlib
import fcntl
import os
import pathlib
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

import peers
from run import Run, require

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'e2e'))
import wire  # noqa: E402  pylint: disable=wrong-import-position

CLIENTS = int(os.environ.get('CLIENTS', '100'))
LIMIT = int(os.environ.get('LIMIT', '400'))
BODY = 100 * 1000 * 1000
READ = 10 * 1000 * 1000
HOST = 'a.example'
SO_MEMINFO = 55                         # asm-generic/socket.h
RMEM_ALLOC, WMEM_ALLOC = 0, 2           # linux/sock_diag.h
PARTS = ('socket', 'pipes', 'processes', 'tenant')


def meminfo(s, which):
    values = s.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 64)
    return struct.unpack_from('I', values, 4 * which)[0]


class Tenant:
    """Takes n bytes of each connection, sends head and a body."""

    def __init__(self, path, n, head):
        path.parent.mkdir(exist_ok=True)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        os.chmod(path, 0o666)
        self.socket.listen(1024)
        self.n, self.head, self.connections = n, head, []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            connection = self.socket.accept()[0]
            self.connections.append(connection)
            threading.Thread(target=self.one, args=(connection,),
                             daemon=True).start()

    def one(self, connection):
        block = bytes(1 << 20)
        with contextlib.suppress(OSError):
            left = self.n
            while left > 0:
                left -= len(connection.recv(left))
            connection.sendall(self.head)
            for _ in range(BODY // len(block)):
                connection.sendall(block)

    def waiting(self):
        """Bytes in the sockets of those that it has now."""
        return sum(meminfo(one, WMEM_ALLOC) for one in self.connections)

    def forget(self):
        for one in self.connections:
            one.close()
        self.connections = []


def queued(port):
    """Bytes that the kernel holds for the proxy's ends of connections."""
    said = subprocess.run(
        ['ss', '-tmnHO', 'state', 'established', f'sport = :{port}'],
        check=True, capture_output=True, text=True).stdout
    return sum(int(value) for value in
               re.findall(r'[(,](?:r|w|f)(\d+)', said))


def in_pipes(pids):
    """Size of the pipes that hold something."""
    sizes = {}
    for pid in pids:
        for entry in pathlib.Path(f'/proc/{pid}/fd').iterdir():
            with contextlib.suppress(OSError):
                name = os.readlink(entry)
                if not name.startswith('pipe:') or name in sizes:
                    continue
                pipe = os.open(entry, os.O_RDONLY | os.O_NONBLOCK)
                held = fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))
                sizes[name] = any(held) and fcntl.fcntl(
                    pipe, fcntl.F_GETPIPE_SZ)
                os.close(pipe)
    return sum(sizes.values())


def stop_reading(proxy, first, n):
    """Clients that have read n bytes and no more."""
    held = []
    for _ in range(CLIENTS):
        client = socket.create_connection(('127.0.0.1', proxy.port), 30)
        client.sendall(first)
        held.append(client)
        left = n
        while left > 0:
            left -= len(client.recv(min(left, 1 << 18)))
    return held


def look(proxy, tenant):
    """The parts, in bytes."""
    return (queued(proxy.port), in_pipes(proxy.pids()), proxy.memory(),
            tenant.waiting())


def settled(proxy, tenant):
    """The same, once no more comes."""
    seen = look(proxy, tenant)
    for _ in range(20):
        time.sleep(0.5)
        before, seen = seen, look(proxy, tenant)
        if abs(sum(seen) - sum(before)) < CLIENTS * 100:
            break
    return seen


def measure(proxy, tenant, first, n):
    """kB of each part for each connection, and of the clients' own sockets."""
    # what one more costs, once the first have made room
    for client in stop_reading(proxy, first, n):
        client.close()
    time.sleep(1)
    tenant.forget()
    before = look(proxy, tenant)
    held = stop_reading(proxy, first, n)
    after = settled(proxy, tenant)
    theirs = sum(meminfo(client, RMEM_ALLOC) for client in held)
    for client in held:
        client.close()
    tenant.forget()
    time.sleep(1)
    return [(b - a) / CLIENTS / 1000 for a, b in zip(before, after)], \
        theirs / CLIENTS / 1000


def rows_of(run, hosts, protocol, other):
    http, tls = peers.free_port(), peers.free_port()
    config = run.write('hosts.cfg', peers.haproxy_hosts(hosts, [HOST], http,
                                                        tls))
    option = '-t' if protocol == 'tls' else '-p'
    rows = [run.usherd('usherd', option, hosts),
            run.start('haproxy', ['haproxy', '-f', config, '-db'],
                      tls if protocol == 'tls' else http)]
    if other is not None:
        rows.append(run.usherd('other usherd', option, hosts, other))
    return rows


def compare(run, other):
    """The most of usherd."""
    hosts = run.dir / 'hosts'
    hosts.mkdir()
    most = 0
    get = wire.head(HOST)
    for protocol, first, head in (
            ('tls', wire.hello(HOST), b''),
            ('http', get, b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' %
             (BODY // (1 << 20) * (1 << 20)))):
        tenant = Tenant(hosts / HOST / f'{protocol}-socket', len(first), head)
        rows = rows_of(run, hosts, protocol, other)
        for n in (0, READ):
            print(f'\n{protocol}, stopped after {n // 1000000} MB: kB for each'
                  f' of {CLIENTS} connections')
            for proxy in rows:
                parts, theirs = measure(proxy, tenant, first, n)
                print(f'  {proxy.name:13}{sum(parts):8.0f}   ' + ', '.join(
                    f'{name} {part:.0f}' for name, part in zip(PARTS, parts))
                    + f' (and the client {theirs:.0f})', flush=True)
                if proxy.name == 'usherd':
                    most = max(most, sum(parts))
        run.stop()
    return most


def main():
    require('haproxy', 'ss')
    if os.geteuid() != 0:
        raise SystemExit('only root may look into the pipes')
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    threading.stack_size(256 * 1024)
    other = pathlib.Path(sys.argv[1]).resolve() if sys.argv[1:] else None
    with tempfile.TemporaryDirectory(prefix='usher-bench.') as name:
        os.chmod(name, 0o755)
        run = Run(pathlib.Path(name))
        try:
            most = compare(run, other)
        finally:
            run.end()
    if most > LIMIT:
        raise SystemExit(f'more than {LIMIT} kB')


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main()
