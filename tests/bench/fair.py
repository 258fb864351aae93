#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What a tenant's bulk costs the others in time: small exchanges of one
tenant beside 64 and 500 connections on which another sends all that it can,
through usherd and through haproxy in the same run.

usage: tests/bench/fair.py [DIRECTORY-OF-ANOTHER-BUILD]

One client asks, waits a millisecond after each answer, and asks again: over
TLS (relayed by SNI) and over HTTP.  Times are from a request to the end of its
response, in milliseconds: the median of the rounds in which the proxies take
turns, and ratios the median of the ratios in each round.  The generators share
the machine's processors with the proxies, so that the ratio to haproxy says
more than the times; what the bulk got meanwhile stands behind them.  SECONDS
and ROUNDS say for how long.  Everything is on loopback and ends by itself.
"""
import os
import pathlib
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import peers
from keepalive import SMALL
from run import BUILD, ROUNDS, Run, exchanges, note, ratio, require

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'e2e'))
import wire  # noqa: E402  pylint: disable=wrong-import-position

SECONDS = int(os.environ.get('SECONDS', '3'))
WARM = 1                # seconds of bulk before
FLOWS = [int(n) for n in os.environ.get('FLOWS', '0 64 500').split()]
BULK = 1 << 40          # more than a connection gets in that time
QUICK, GREEDY = 'quick.example', 'greedy.example'
OURS = 'usherd'


class Fair:
    def __init__(self, run, other):
        self.run, self.other = run, other
        self.hosts = run.dir / 'hosts'
        self.flights = {name: run.dir / f'{name}.tls'
                        for name in (QUICK, GREEDY)}
        for name, path in self.flights.items():
            path.write_bytes(wire.hello(name))
        self.get = run.dir / 'get'
        self.get.write_text(f'GET / HTTP/1.1\r\nHost: {GREEDY}\r\n\r\n')
        self.serve()

    def serve(self):
        """Four tenants, each a process of its own."""
        answer = self.run.write('answer', SMALL.decode())
        head = self.run.write(
            'head', f'HTTP/1.1 200 OK\r\nContent-Length: {BULK}\r\n\r\n')
        sizes = {name: path.stat().st_size
                 for name, path in self.flights.items()}
        self.run.tenant(self.hosts / QUICK / 'tls-socket', '--request',
                        sizes[QUICK], '--keep', answer)
        self.run.tenant(self.hosts / QUICK / 'http-socket', '--request', 0,
                        '--keep', answer)
        self.run.tenant(self.hosts / GREEDY / 'tls-socket', '--request',
                        sizes[GREEDY], '--answer', BULK)
        self.run.tenant(self.hosts / GREEDY / 'http-socket', '--request',
                        self.get.stat().st_size, '--answer', BULK,
                        '--head', head)

    def rows(self, protocol):
        http, tls = peers.free_port(), peers.free_port()
        config = self.run.write('hosts.cfg', peers.haproxy_hosts(
            self.hosts, (QUICK, GREEDY), http, tls))
        option = '-t' if protocol == 'tls' else '-p'
        rows = [self.run.usherd(OURS, option, self.hosts),
                self.run.start('haproxy', ['haproxy', '-f', config, '-db'],
                               tls if protocol == 'tls' else http)]
        if self.other is not None:
            rows.append(self.run.usherd('other usherd', option, self.hosts,
                                        self.other))
        return rows

    def once(self, proxy, protocol, flows):
        """Median and p99 in milliseconds, and bulk in GB/s."""
        begin = ['--file', self.flights[QUICK]] if protocol == 'tls' else []
        bulk = self.flood(proxy, protocol, flows) if flows else None
        times = exchanges(proxy.port, [QUICK], 1, SECONDS, '--pause', 1,
                          *begin)
        rate = 0.0
        if bulk is not None:
            said = bulk.communicate()[0].split()
            rate = int(said[-1]) / float(said[-3]) / 1e9
        return times['median'] / 1e3, times['p99'] / 1e3, rate

    def flood(self, proxy, protocol, flows):
        first = self.flights[GREEDY] if protocol == 'tls' else self.get
        bulk = subprocess.Popen(
            [BUILD / 'tests' / 'load', '--port', str(proxy.port), '--file',
             first, '--count', str(flows), '--concurrency', str(flows),
             '--seconds', str(WARM + SECONDS)],
            stdout=subprocess.PIPE, stderr=self.run.log, text=True)
        time.sleep(WARM)
        return bulk

    def measure(self):
        for protocol in ('tls', 'http'):
            rows = self.rows(protocol)
            for flows in FLOWS:
                values = [{}, {}, {}]
                for turn in range(ROUNDS):
                    first = turn % len(rows)
                    for proxy in rows[first:] + rows[:first]:
                        for value, into in zip(
                                self.once(proxy, protocol, flows), values):
                            note(into, proxy, value)
                show(f'{protocol}, beside {flows} bulk connections', *values)
            self.run.stop()


def show(title, medians, p99s, rates):
    print(f'\n{title}')
    for name in sorted(medians, key=lambda name: 'usherd' not in name):
        print(f'  {name:13} median{statistics.median(medians[name]):8.2f} ms'
              f' (at most {max(medians[name]):.2f})'
              f'  usherd/this {ratio(medians[OURS], medians[name])}'
              f'   p99{statistics.median(p99s[name]):8.2f} ms'
              f'  usherd/this {ratio(p99s[OURS], p99s[name])}'
              f'   bulk {statistics.median(rates[name]):.2f} GB/s')
    sys.stdout.flush()


def main():
    require('haproxy')
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    other = pathlib.Path(sys.argv[1]).resolve() if sys.argv[1:] else None
    with tempfile.TemporaryDirectory(prefix='usher-bench.') as name:
        os.chmod(name, 0o755)
        run = Run(pathlib.Path(name))
        try:
            Fair(run, other).measure()
        finally:
            run.end()


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main()
