# SPDX-License-Identifier: ISC
"""A parser that works is not killed, however much there is to look at and
however little of the processors it gets."""
import os
import subprocess
import sys
import time

import harness
import held
import wire

CLIENTS = 2000
SECONDS = 4
HOGS = 6


class Busy(harness.Case):
    def setUp(self):
        super().setUp()
        held.want_descriptors(self, CLIENTS + 200)
        self.tenant(self.host('a.example') / 'tls-socket',
                    harness.echo_server)

    def hog(self, parser):
        """Gives the parser one processor, which others want all the time:
        the tests that run beside this one have the rest."""
        one = {max(os.sched_getaffinity(0))}
        os.sched_setaffinity(parser, one)
        for _ in range(HOGS):
            process = subprocess.Popen(
                [sys.executable, '-c', 'import time\n'
                 f'end = time.monotonic() + {4 * SECONDS}\n'
                 'while time.monotonic() < end: pass'])
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            os.sched_setaffinity(process.pid, one)

    def test_records_of_one_byte(self):
        """2,000 long hellos in records of one byte, all but their end ready
        at once, on a busy machine."""
        flight = wire.records(wire.payload_of(
            wire.large_hello(b'a.example', 12000)), 1)[:-6]
        daemon = self.usherd('-j', '1', http=0)
        before = held.children(daemon)
        clients = [wire.connect(daemon.tls) for _ in range(CLIENTS)]
        for client in clients:
            self.addCleanup(client.close)
            client.setblocking(False)
            client.send(flight[:9])
        self.hog(held.children(daemon, 'usherd-tls')[0])
        end = time.monotonic() + SECONDS
        at = [9] * CLIENTS
        for part in (30000, len(flight)):
            for i, client in enumerate(clients):
                at[i] += client.send(flight[at[i]:part])
        while time.monotonic() < end:
            time.sleep(0.1)
            self.assertEqual([line for line in daemon.log_lines
                              if 'replacing it' in line], [])
        held.Held(daemon.tls, seconds=20).establish().close()
        self.assertEqual(held.children(daemon), before)


if __name__ == '__main__':
    harness.unittest.main()
