#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""usherd beside its peers, in one run on one machine: ratios, not times.

usage: make bench          (wants nginx, haproxy and wrk; nginx's stream
                            module and sniproxy are left out when missing)

Rows: kept-alive HTTP requests (wrk, 64 connections, small responses) per
second and CPU of the proxy per request; CPU of the proxy per new TLS
connection routed by SNI; bulk throughput and CPU of the proxy per GB; memory
and descriptors of the proxy per idle relayed connection.  Each number is the
median of ROUNDS rounds in which the proxies take turns.  Everything is on
loopback and ends by itself.
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
import threading
import time

import peers

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get('USHER_BUILD', TOP / 'build')).resolve()
HELLO = TOP / 'tests' / 'hellos' / 'chromium'
ROUNDS = int(os.environ.get('ROUNDS', '3'))
CONNECTIONS = 10000
WRK_SECONDS = 3
BULK_BYTES = 2 << 30
IDLE = 1000


class Proxy:
    """A proxy under test: a command that listens on a port of its own."""

    def __init__(self, name, command, port, log):
        self.name, self.port = name, port
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL,
            stdout=log, stderr=log)
        for _ in range(200):
            with socket.socket() as s:
                if s.connect_ex(('127.0.0.1', port)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise SystemExit(f'{name} does not answer on port {port}')

    def at(self, name, port):
        """The same processes, seen at another of their ports."""
        view = object.__new__(Proxy)
        view.name, view.port, view.process = name, port, self.process
        return view

    def pids(self):
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            with open(f'/proc/{pid}/task/{pid}/children') as f:
                todo += [int(word) for word in f.read().split()]
        return found

    def cpu(self):
        """Seconds of CPU of all its processes."""
        ticks = 0
        for pid in self.pids():
            with open(f'/proc/{pid}/stat') as f:
                fields = f.read().rsplit(')', 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf('SC_CLK_TCK')

    def memory(self):
        """Bytes of its own: PSS of all its processes."""
        total = 0
        for pid in self.pids():
            with open(f'/proc/{pid}/smaps_rollup') as f:
                total += int(re.search(r'^Pss:\s+(\d+)', f.read(),
                                       re.M).group(1)) * 1024
        return total

    def descriptors(self):
        return sum(len(os.listdir(f'/proc/{pid}/fd')) for pid in self.pids())

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Swapped:
    """A server of our own in the place of the TLS tenant's, for a while."""

    def __init__(self, path, serve):
        self.path, self.kept = path, path.with_name('tls-kept')
        os.rename(self.path, self.kept)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        os.chmod(self.path, 0o666)
        self.listener.listen(4096)
        self.serve = serve
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(connection,),
                             daemon=True).start()

    def one(self, connection):
        with connection:
            try:
                self.serve(connection)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        os.rename(self.kept, self.path)


class Bench:
    def __init__(self, directory):
        self.dir = directory
        self.host = directory / 'hosts' / 'a.example'
        self.host.mkdir(parents=True)
        self.log = open(directory / 'log', 'w')
        self.running = []

    def start(self, name, command, port):
        proxy = Proxy(name, command, port, self.log)
        self.running.append(proxy)
        return proxy

    def write(self, name, text):
        path = self.dir / name
        path.write_text(text)
        return path

    def tenants(self):
        config = self.write('tenant.conf', peers.tenant(self.dir))
        flight = str(HELLO.stat().st_size)
        commands = [['nginx', '-c', config],
                    [BUILD / 'tests' / 'load', '--serve',
                     self.host / 'tls-socket', '--request', flight,
                     '--answer', '100']]
        self.servers = [subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=self.log, stderr=self.log)
            for command in commands]
        for name in ('http-socket', 'tls-socket'):
            path = self.host / name
            for _ in range(100):
                if path.exists():
                    break
                time.sleep(0.05)
            os.chmod(path, 0o666)

    def usherd(self, option):
        port = peers.free_port()
        return self.start('usherd', [
            BUILD / 'usherd', '-d', self.dir / 'hosts', '-j', '1', option,
            f'127.0.0.1:{port}'], port)

    def haproxy(self):
        """The same haproxy in its three roles."""
        http, tcp, tls = (peers.free_port() for _ in range(3))
        config = self.write('haproxy.cfg',
                            peers.haproxy(self.dir, http, tcp, tls))
        proxy = self.start('haproxy', ['haproxy', '-f', config, '-db'], tls)
        return proxy.at('haproxy http', http), proxy.at('haproxy tcp', tcp), \
            proxy

    def stop(self):
        for proxy in self.running:
            proxy.stop()
        self.running = []

    def end(self):
        self.stop()
        for server in self.servers:
            server.terminate()
            server.wait()
        self.log.close()

    def keepalive(self):
        http, tcp, _ = self.haproxy()
        port = peers.free_port()
        config = self.write('proxy.conf', peers.nginx_http(self.dir, port))
        rows = [self.usherd('-p'), http, tcp,
                self.start('nginx http', ['nginx', '-c', config], port)]
        rates, costs = {}, {}
        for _ in range(ROUNDS):
            for proxy in rows:
                before = proxy.cpu()
                out = subprocess.run(
                    ['wrk', '-t1', '-c64', f'-d{WRK_SECONDS}', '-H',
                     'Host: a.example', f'http://127.0.0.1:{proxy.port}/'],
                    capture_output=True, text=True, check=True).stdout
                if 'Non-2xx' in out or 'Socket errors' in out:
                    raise SystemExit(f'{proxy.name}: {out}')
                n = int(re.search(r'(\d+) requests in', out).group(1))
                note(rates, proxy, float(
                    re.search(r'Requests/sec:\s+([\d.]+)', out).group(1)))
                note(costs, proxy, (proxy.cpu() - before) / n * 1e6)
        show('keep-alive HTTP requests', rates, '/s', 0)
        show('CPU of the proxy per keep-alive request', costs, 'us', 2)
        self.stop()

    def routers(self):
        """All that route TLS by SNI."""
        rows = [self.usherd('-t'), self.haproxy()[2]]
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

    def connections(self, rows):
        costs = {}
        for _ in range(ROUNDS):
            for proxy in rows:
                before = proxy.cpu()
                subprocess.run(
                    [BUILD / 'tests' / 'load', '--port', str(proxy.port),
                     '--sources', '4', '--file', HELLO, '--expect', '100',
                     '--count', str(CONNECTIONS), '--concurrency', '50',
                     '--seconds', '60'], check=True, stdout=self.log)
                note(costs, proxy,
                     (proxy.cpu() - before) / CONNECTIONS * 1e6)
        show('CPU of the proxy per routed TLS connection', costs, 'us', 1)

    def bulk(self, rows):
        block = bytes(1 << 20)

        def serve(connection):
            connection.recv(65536)
            for _ in range(BULK_BYTES // len(block)):
                connection.sendall(block)
        rates, costs = {}, {}
        buffer = bytearray(1 << 20)
        with Swapped(self.host / 'tls-socket', serve):
            for _ in range(ROUNDS):
                for proxy in rows:
                    before, start, got = proxy.cpu(), time.monotonic(), 0
                    with socket.create_connection(('127.0.0.1',
                                                   proxy.port)) as s:
                        s.sendall(HELLO.read_bytes())
                        while (n := s.recv_into(buffer)) > 0:
                            got += n
                    if got != BULK_BYTES:
                        raise SystemExit(f'{proxy.name}: {got} bytes')
                    note(rates, proxy,
                         got / (time.monotonic() - start) / 1e9)
                    note(costs, proxy, (proxy.cpu() - before) / got * 1e12)
        show('bulk throughput of one connection', rates, 'GB/s', 2)
        show('CPU of the proxy per GB', costs, 'ms', 0)

    def idle(self, rows):
        def serve(connection):
            connection.recv(65536)
            connection.sendall(b'x')
            connection.recv(1)
        hello = HELLO.read_bytes()

        def hold(proxy, n):
            held = []
            for _ in range(n):
                held.append(socket.create_connection(('127.0.0.1',
                                                      proxy.port)))
                held[-1].sendall(hello)
                held[-1].recv(1)
            return held
        memory, descriptors = {}, {}
        threading.stack_size(64 * 1024)
        with Swapped(self.host / 'tls-socket', serve):
            for proxy in rows:
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
        show('memory per idle relayed connection', memory, 'bytes', 0)
        show('descriptors per idle relayed connection', descriptors, '', 1)


def note(values, proxy, value):
    values.setdefault(proxy.name, []).append(value)


def show(title, values, unit, digits):
    print(f'\n{title}')
    ours = statistics.median(values['usherd'])
    for name, numbers in values.items():
        median = statistics.median(numbers)
        ratio = f'{ours / median:.2f}' if median > 0 else '-'
        print(f'  {name:14} {median:12.{digits}f} {unit:6}'
              f' usherd/this {ratio:>6}')
    sys.stdout.flush()


def main():
    for needed in ('nginx', 'haproxy', 'wrk'):
        if shutil.which(needed) is None:
            raise SystemExit(f'{needed} is not installed')
    with tempfile.TemporaryDirectory(prefix='usher-bench.') as name:
        os.chmod(name, 0o755)
        bench = Bench(pathlib.Path(name))
        try:
            bench.tenants()
            bench.keepalive()
            rows = bench.routers()
            bench.connections(rows)
            bench.bulk(rows)
            bench.stop()
            bench.idle(bench.routers())
        finally:
            bench.end()


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main()
