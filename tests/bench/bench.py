#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""usherd beside its peers, in one run on one machine: ratios, not times.

usage: make bench          (wants nginx, haproxy and wrk; nginx's stream
                            module and sniproxy are left out when missing)
       tests/bench/bench.py [keepalive] [connections] [bulk] [idle]

Rows: kept-alive HTTP requests (wrk, 64 connections, small responses) per
second and CPU of the proxy per request, and the rows of keepalive.py; CPU of
the proxy per new TLS connection routed by SNI; bulk throughput and CPU of the
proxy per GB; memory and descriptors of the proxy per idle established
connection.  Each number is the median of the rounds in which the proxies take
turns, each ratio the median of the ratios in each round.  "direct" is the
tenant without a proxy; the tenant is the same process for all of them.
Everything is on loopback and ends by itself.
"""
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import keepalive
import peers
from proxy import Direct
from run import BUILD, HELLO, ROUNDS, Run, note, ratio, require

BULK_ROUNDS = 4 * ROUNDS + 1    # ratios near 1 want more of them
CONNECTIONS = 10000
WRK_SECONDS = 3
BULK_BYTES = 1 << 30
IDLE = 1000
OURS = ('usherd hand-off', 'usherd relay')


class Bench(Run):
    def __init__(self, directory):
        super().__init__(directory)
        self.host = directory / 'hosts' / 'a.example'
        self.host.mkdir(parents=True)
        self.handoff = directory / 'handoff' / 'a.example'
        self.handoff.mkdir(parents=True)
        self.server = None

    def serve(self, answer, *options):
        """The TLS tenant, in all three ways; gives its TCP port."""
        self.unserve()
        port = peers.free_port()
        self.server = subprocess.Popen(
            [BUILD / 'tests' / 'serve', '--unix', self.host / 'tls-socket',
             '--handoff', self.handoff / 'tls-handoff', '--port', str(port),
             '--request', str(HELLO.stat().st_size), '--answer', str(answer),
             *self.named('--trust'), *options], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        self.server.stdout.readline()
        return port

    def unserve(self):
        if self.server is not None:
            self.server.stdin.close()
            self.server.wait()
            self.server.stdout.close()
        self.server = None

    def haproxy(self):
        """The same haproxy in its three roles."""
        http, tcp, tls = (peers.free_port() for _ in range(3))
        config = self.write('haproxy.cfg',
                            peers.haproxy(self.dir, http, tcp, tls))
        proxy = self.start('haproxy', ['haproxy', '-f', config, '-db'], tls)
        return proxy.at('haproxy http', http), proxy.at('haproxy tcp', tcp), \
            proxy

    def end(self):
        self.unserve()
        super().end()

    def keepalive(self):
        path = self.host / 'http-socket'
        tenant = subprocess.Popen(
            ['nginx', '-c', self.write('tenant.conf',
                                       peers.tenant(self.dir))],
            stdout=self.log, stderr=self.log)
        try:
            for _ in range(100):
                if path.exists():
                    break
                time.sleep(0.05)
            os.chmod(path, 0o666)
            self.requests()
        finally:
            self.stop()
            tenant.terminate()
            tenant.wait()
        keepalive.Keepalive(self).measure()

    def requests(self):
        http, tcp, _ = self.haproxy()
        port = peers.free_port()
        config = self.write('proxy.conf', peers.nginx_http(self.dir, port))
        rows = [self.usherd('usherd relay', '-p', self.host.parent), http, tcp,
                self.start('nginx http', ['nginx', '-c', config], port)]
        rates, costs = {}, {}
        for _ in range(ROUNDS):
            for proxy in rows:
                ask(proxy, rates, costs)
        show('keep-alive HTTP requests', rates, '/s', 0)
        show('CPU of the proxy per keep-alive request', costs, 'us', 2)

    def routers(self, direct):
        """All that route TLS by SNI."""
        rows = [Direct(direct),
                self.usherd(OURS[0], '-t', self.handoff.parent),
                self.usherd(OURS[1], '-t', self.host.parent),
                self.haproxy()[2]]
        if os.path.exists(peers.STREAM_MODULE):
            port = peers.free_port()
            config = self.write('stream.conf',
                                peers.nginx_stream(self.dir, port))
            rows.append(self.start('nginx stream', ['nginx', '-c', config],
                                   port))
        if shutil.which('sniproxy'):
            port = peers.free_port()
            config = self.write('sniproxy.conf',
                                peers.sniproxy(self.dir, port))
            rows.append(self.start('sniproxy',
                                   ['sniproxy', '-f', '-c', config], port))
        return rows

    def connections(self):
        costs, rates = {}, {}
        rows = self.routers(self.serve(100))
        for _ in range(ROUNDS):
            for proxy in rows:
                before, start = proxy.cpu(), time.monotonic()
                subprocess.run(
                    [BUILD / 'tests' / 'load', '--port', str(proxy.port),
                     '--sources', '4', '--file', HELLO, '--expect', '100',
                     '--count', str(CONNECTIONS), '--concurrency', '50',
                     '--seconds', '60'], check=True, stdout=self.log)
                note(rates, proxy,
                     CONNECTIONS / (time.monotonic() - start))
                note(costs, proxy,
                     (proxy.cpu() - before) / CONNECTIONS * 1e6)
        show('new TLS connections', rates, '/s', 0)
        show('CPU of the proxy per new TLS connection', costs, 'us', 1)

    def bulk(self):
        rates, costs = {}, {}
        buffer = bytearray(1 << 20)
        rows = self.routers(self.serve(BULK_BYTES))
        for turn in range(BULK_ROUNDS):
            # who comes first finds the machine otherwise than who is last
            for proxy in rows[turn % len(rows):] + rows[:turn % len(rows)]:
                before, start, got = proxy.cpu(), time.monotonic(), 0
                with socket.create_connection(('127.0.0.1',
                                               proxy.port)) as s:
                    s.sendall(HELLO.read_bytes())
                    while (n := s.recv_into(buffer)) > 0:
                        got += n
                if got != BULK_BYTES:
                    raise SystemExit(f'{proxy.name}: {got} bytes')
                note(rates, proxy, got / (time.monotonic() - start) / 1e9)
                note(costs, proxy, (proxy.cpu() - before) / got * 1e12)
        show('bulk throughput of one connection', rates, 'GB/s', 2)
        show('CPU of the proxy per GB', costs, 'ms', 0)

    def idle(self):
        hello = HELLO.read_bytes()

        def hold(proxy, n):
            held = []
            for _ in range(n):
                held.append(socket.create_connection(('127.0.0.1',
                                                      proxy.port)))
                held[-1].sendall(hello)
                held[-1].recv(1)
            time.sleep(0.3)
            return held
        memory, descriptors = {}, {}
        for proxy in self.routers(self.serve(1, '--hold')):
            # what one more costs, once the first have made room
            held = hold(proxy, 50)
            before = proxy.memory(), proxy.descriptors()
            held += hold(proxy, IDLE)
            note(memory, proxy, (proxy.memory() - before[0]) / IDLE)
            note(descriptors, proxy,
                 (proxy.descriptors() - before[1]) / IDLE)
            for s in held:
                s.close()
            time.sleep(0.3)
        show('memory per idle connection', memory, 'bytes', 0)
        show('descriptors per idle connection', descriptors, '', 1)


def ask(proxy, rates, costs):
    """Kept-alive requests by wrk for a while."""
    before = proxy.cpu()
    out = subprocess.run(
        ['wrk', '-t1', '-c64', f'-d{WRK_SECONDS}', '-H', 'Host: a.example',
         f'http://127.0.0.1:{proxy.port}/'],
        capture_output=True, text=True, check=True).stdout
    if 'Non-2xx' in out or 'Socket errors' in out:
        raise SystemExit(f'{proxy.name}: {out}')
    n = int(re.search(r'(\d+) requests in', out).group(1))
    note(rates, proxy,
         float(re.search(r'Requests/sec:\s+([\d.]+)', out).group(1)))
    note(costs, proxy, (proxy.cpu() - before) / n * 1e6)


def show(title, values, unit, digits):
    medians = {name: statistics.median(numbers)
               for name, numbers in values.items()}
    ours = [name for name in OURS if name in medians]
    print(f'\n{title}')
    for name, median in medians.items():
        ratios = ''.join(
            f'  {one.split()[1]}/this {ratio(values[one], values[name])}'
            for one in ours)
        print(f'  {name:16}{median:12.{digits}f} {unit:6}{ratios}')
    sys.stdout.flush()


def main():
    require('nginx', 'haproxy', 'wrk')
    parts = sys.argv[1:] or ['keepalive', 'connections', 'bulk', 'idle']
    with tempfile.TemporaryDirectory(prefix='usher-bench.') as name:
        os.chmod(name, 0o755)
        bench = Bench(pathlib.Path(name))
        try:
            for part in parts:
                getattr(bench, part)()
                bench.stop()
        finally:
            bench.end()


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main()
