#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What a kept-alive HTTP request costs, beside haproxy and nginx in one run.

usage: tests/bench/keepalive.py [DIRECTORY-OF-ANOTHER-BUILD]

CPU of all processes of the proxy per request, at 1, 8 and 64 connections that
ask again as soon as they are answered: small responses with a length and
chunked ones of 10 kB, from one host and from two in turn.  Of usherd also by
process.  Each number is the median of the rounds in which the proxies take
turns, each ratio the median of the ratios in each round.  SECONDS and ROUNDS
say for how long, CONNECTIONS="1 8" and KINDS=small at which alone.  Everything
is on loopback and ends by itself.
"""
import collections
import os
import pathlib
import signal
import statistics
import sys
import tempfile

import peers
from run import ROUNDS, Run, exchanges, note, ratio, require

SECONDS = int(os.environ.get('SECONDS', '1'))
CONNECTIONS = [int(n) for n in
               os.environ.get('CONNECTIONS', '1 8 64').split()]
KINDS = os.environ.get('KINDS', 'small chunked').split()
HOSTS = ('a.example', 'b.example')
BODY = b'hello\n'
CHUNK = bytes(1000)
CHUNKS = 10
SMALL = (b'HTTP/1.1 200 OK\r\nServer: serve\r\nContent-Type: text/plain\r\n'
         b'Content-Length: %d\r\nConnection: keep-alive\r\n\r\n%s' %
         (len(BODY), BODY))
CHUNKED = (b'HTTP/1.1 200 OK\r\nServer: serve\r\nContent-Type: text/plain\r\n'
           b'Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n' +
           b'%x\r\n%s\r\n' % (len(CHUNK), CHUNK) * CHUNKS + b'0\r\n\r\n')
OURS = 'usherd'


class Keepalive:
    """other: the directory of another build, or None."""

    def __init__(self, run, other=None):
        self.run, self.other = run, other

    def rows(self, kind, answer):
        """The proxies before tenants that give this answer."""
        where = self.run.dir / kind
        for host in HOSTS:
            self.run.tenant(where / host / 'http-socket', '--request', 0,
                            '--keep', self.run.write(f'{kind}.http', answer))
        http, tls, port = (peers.free_port() for _ in range(3))
        config = self.run.write('hosts.cfg', peers.haproxy_hosts(
            where, HOSTS, http, tls))
        rows = [self.run.usherd(OURS, '-p', where),
                self.run.start('haproxy', ['haproxy', '-f', config, '-db'],
                               http)]
        config = self.run.write('hosts.conf', peers.nginx_hosts(
            self.run.dir, where, HOSTS, port))
        rows.append(self.run.start('nginx', ['nginx', '-c', config], port))
        if self.other is not None:
            rows.append(self.run.usherd('other usherd', '-p', where,
                                        self.other))
        return rows

    def measure(self):
        answers = {'small': SMALL, 'chunked': CHUNKED}
        for kind in KINDS:
            rows = self.rows(kind, answers[kind].decode())
            for hosts in (HOSTS[:1], HOSTS):
                for connections in CONNECTIONS:
                    show(f'{kind}, {len(hosts)} host'
                         f'{"s" * (len(hosts) > 1)}, {connections} connection'
                         f'{"s" * (connections > 1)}: CPU per request',
                         *take_turns(rows, hosts, connections))
            self.run.stop()


def take_turns(rows, hosts, connections):
    """Microseconds of each proxy, and of each of its programs, by round."""
    costs, parts = {}, {}
    for turn in range(ROUNDS):
        for proxy in rows[turn % len(rows):] + rows[:turn % len(rows)]:
            before = proxy.cpu_of_each()
            n = exchanges(proxy.port, hosts, connections, SECONDS)['exchanges']
            each = proxy.cpu_of_each()
            each.subtract(before)
            note(costs, proxy, sum(each.values()) / n * 1e6)
            part = parts.setdefault(proxy.name, collections.defaultdict(list))
            for name, seconds in each.items():
                part[name].append(seconds / n * 1e6)
    return costs, parts


def by_program(part):
    """The programs that cost something, when there are several."""
    costs = {name: statistics.median(each) for name, each in part.items()}
    costs = {name: cost for name, cost in costs.items() if cost >= 0.05}
    if len(costs) < 2:
        return ''
    return '   ' + ', '.join(f'{name} {cost:.1f}' for name, cost
                             in sorted(costs.items()))


def show(title, costs, parts):
    print(f'\n{title}')
    for name in sorted(costs, key=lambda name: 'usherd' not in name):
        print(f'  {name:13}{statistics.median(costs[name]):8.1f} us'
              f'  usherd/this {ratio(costs[OURS], costs[name])}'
              f'{by_program(parts[name])}')
    sys.stdout.flush()


def main():
    require('nginx', 'haproxy')
    other = pathlib.Path(sys.argv[1]).resolve() if sys.argv[1:] else None
    with tempfile.TemporaryDirectory(prefix='usher-bench.') as name:
        os.chmod(name, 0o755)
        run = Run(pathlib.Path(name))
        try:
            Keepalive(run, other).measure()
        finally:
            run.end()


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main()
