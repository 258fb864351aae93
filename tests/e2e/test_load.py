# SPDX-License-Identifier: ISC
"""20,000 connections, 200 at a time: none is lost, and nothing is left of
them."""
import re
import subprocess
import tempfile

import harness
import held
import wire
from harness import wait_for

LOAD = harness.BUILD / 'tests' / 'load'
SERVE = harness.BUILD / 'tests' / 'serve'
ANSWER = 3000
FLIGHTS = {'tls': (harness.HELLOS / 'chromium').read_bytes(),
           'http': wire.head('a.example', 'Accept: */*')}
MEMORY = 256        # kB


@harness.unittest.skipUnless(LOAD.exists(), 'build/tests/load is not built')
class Load(harness.Case):
    def begin(self, *options):
        """A daemon, and a fast tenant for each protocol."""
        host = self.host('a.example')
        for protocol, flight in FLIGHTS.items():
            (self.scratch / protocol).write_bytes(flight)
            self.serve(host / f'{protocol}-socket', len(flight))
        self.daemon = self.usherd(*options)
        held.ready_children(self.daemon, len(held.children(self.daemon)))

    def serve(self, path, request):
        tenant = subprocess.Popen(
            [SERVE, '--unix', path, '--request', str(request), '--answer',
             str(ANSWER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(tenant.wait)
        self.addCleanup(tenant.stdin.close)
        self.addCleanup(tenant.stdout.close)
        self.assertEqual(tenant.stdout.readline(), b'ready\n')

    def clients(self, protocol, count, concurrency):
        errors = tempfile.TemporaryFile()
        self.addCleanup(errors.close)
        clients = subprocess.Popen(
            [LOAD, '--port', str(self.daemon.ports[protocol][0]), '--file',
             self.scratch / protocol, '--count', str(count),
             '--concurrency', str(concurrency), '--expect', str(ANSWER),
             '--seconds', '60'], stdout=subprocess.PIPE, stderr=errors)
        self.addCleanup(clients.wait)
        self.addCleanup(clients.kill)
        self.addCleanup(clients.stdout.close)
        clients.errors = errors
        return clients

    def finish(self, clients, count):
        """All ok?  Gives the seconds."""
        line = clients.stdout.readline().decode()
        clients.errors.seek(0)
        found = re.fullmatch(
            r'ok (\d+) failed (\d+) seconds (\S+) bytes \d+\n', line)
        self.assertTrue(found, clients.errors.read())
        self.assertEqual((int(found[1]), int(found[2])), (count, 0),
                         (clients.errors.read(), self.daemon.log()[-2000:]))
        return float(found[3])

    def both(self, count, concurrency):
        """Half of it over TLS, half over HTTP."""
        loads = [self.clients(protocol, count // 2, concurrency // 2)
                 for protocol in FLIGHTS]
        return [self.finish(load, count // 2) for load in loads]

    def table(self):
        return {pid: held.descriptors(pid)
                for pid in held.processes(self.daemon)}

    def memory(self):
        return {pid: held.rss(pid) for pid in held.processes(self.daemon)}

    def grown(self, before):
        return {held.program_of(pid): size - before[pid]
                for pid, size in self.memory().items()
                if size - before[pid] > MEMORY}

    def test_none_is_lost_and_nothing_left(self):
        """200 concurrent, 20,000 in all, over relay."""
        self.begin()
        empty = self.table()
        self.both(4000, 200)
        wait_for(lambda: self.table() == empty, 5)
        before = self.memory()
        self.both(20000, 200)
        wait_for(lambda: self.table() == empty, 5)
        if held.as_shipped():
            self.assertEqual(self.grown(before), {})
        self.assertNotRegex(self.daemon.said(), 'refused|killed|exited|lost')

    def test_refused_clients_leave_nothing(self):
        """The same for refusals, whose goodbyes take their time."""
        self.begin()
        self.daemon.hosts.joinpath('a.example').rename(
            self.hosts / 'b.example')
        empty = self.table()
        (self.scratch / 'tls').write_bytes(b'GET / HTTP/1.1\r\n\r\n')
        for _ in range(3):
            load = self.clients('tls', 2000, 200)
            load.stdout.readline()
            load = self.clients('http', 2000, 200)
            load.stdout.readline()
        wait_for(lambda: self.table() == empty, 8)
        self.assertNotRegex(self.daemon.said(), 'killed|exited')

    def test_one_of_each(self):
        """With a single parser and relay a protocol, none is lost either."""
        self.begin('-j', '1')
        self.both(4000, 200)

    def test_both_engines(self):
        """Engines that must agree stand the same load."""
        self.begin('-T', 'both')
        self.both(2000, 200)


if __name__ == '__main__':
    harness.unittest.main()
