#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What shards cost, beside each other and beside another build, in one run.

usage: tests/bench/shards.py [DIRECTORY-OF-ANOTHER-BUILD]

CPU of all processes of usherd per new TLS connection (relay and hand-off) and
per kept-alive HTTP request at -j 1 and -j 2, and the memory of an idle relayed
connection.  Each number is the median of the rounds in which the rows take
turns, each ratio the median of the ratios in each round: to the first row.
"""
import pathlib
import signal
import statistics
import sys
import tempfile
import os

import bench


class Shards(bench.Bench):
    def __init__(self, directory, other):
        super().__init__(directory)
        self.builds = {'': bench.BUILD}
        if other is not None:
            self.builds = {'other ': other, '': bench.BUILD}

    def rows_of(self, option, hosts):
        rows = []
        for name, build in self.builds.items():
            for jobs in (1, 2):
                rows.append(self.usherd(f'{name}-j {jobs}', option,
                                        hosts.parent, build, jobs))
        return rows

    def routers(self, direct):
        return self.rows_of('-t', self.where)

    def haproxy(self):
        raise NotImplementedError

    def requests(self):
        rows = self.rows_of('-p', self.host)
        rates, costs = {}, {}
        for _ in range(bench.ROUNDS):
            for proxy in rows:
                bench.ask(proxy, rates, costs)
        bench.show('keep-alive HTTP requests', rates, '/s', 0)
        bench.show('CPU per keep-alive request', costs, 'us', 2)


def show(title, values, unit, digits):
    first = next(iter(values.values()))
    print(f'\n{title}')
    for name, numbers in values.items():
        print(f'  {name:16}{statistics.median(numbers):12.{digits}f} {unit:6}'
              f'  this/first {bench.ratio(numbers, first)}')
    sys.stdout.flush()


def main():
    other = pathlib.Path(sys.argv[1]).resolve() if sys.argv[1:] else None
    bench.show = show
    with tempfile.TemporaryDirectory(prefix='usher-bench.') as name:
        os.chmod(name, 0o755)
        shards = Shards(pathlib.Path(name), other)
        try:
            for where, what in ((shards.host, 'relay'),
                                (shards.handoff, 'hand-off')):
                print(f'\n== {what}')
                shards.where = where
                shards.connections()
                shards.stop()
            shards.where = shards.host
            shards.idle()
            shards.stop()
            shards.keepalive()
        finally:
            shards.end()


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main()
