# SPDX-License-Identifier: ISC
"""Deployments under load: links and sockets are swapped without one failed
connection.  And tenants that do not accept."""
import os
import socket
import statistics
import threading
import time
import unittest

import harness
import wire

CLIENTS = 4
EACH = 100
SWAP_SECONDS = 0.0005


class Case(harness.Case):
    def tenant_named(self, path, text, starts=b'\x16'):
        """Answers text, or 'wrong' to what does not begin as it should."""
        def serve(connection):
            data = connection.recv(65536)
            connection.sendall(text if data.startswith(starts)
                               else b'wrong for ' + text)
        return self.tenant(path, serve)

    def link(self, path, target):
        """Makes a link, or moves it elsewhere in one step."""
        beside = path.with_name(path.name + '.new')
        beside.unlink(missing_ok=True)
        beside.symlink_to(target)
        beside.rename(path)

    def load(self, change):
        """CLIENTS threads of EACH connections while change(i) is called;
        gives the answers."""
        daemon = self.usherd(http=0)
        data = wire.hello('a.example')
        answers, done = [], threading.Event()

        def client():
            for _ in range(EACH):
                answers.append(wire.ask(daemon.tls, data)[0])

        def swap():
            i = 0
            while not done.is_set() and i < 200000:
                i += 1
                change(i)
                time.sleep(SWAP_SECONDS)
        swapper = threading.Thread(target=swap)
        clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
        for thread in [swapper, *clients]:
            thread.start()
        for thread in clients:
            thread.join(60)
        done.set()
        swapper.join(10)
        return answers

    def assert_all(self, answers, *allowed):
        failed = [each for each in answers if each not in allowed]
        self.assertEqual((len(answers), failed), (CLIENTS * EACH, []))
        self.assertEqual(set(answers), set(allowed))


class Swap(Case):
    COLOURS = ('blue', 'green')

    def test_link_to_a_socket(self):
        """A rename is a deployment."""
        host = self.host('a.example')
        for colour in self.COLOURS:
            self.tenant_named(host / f'{colour}-socket', colour.encode())
        path = host / 'tls-socket'
        self.link(path, 'blue-socket')
        self.assert_all(self.load(lambda i: self.link(
            path, f'{self.COLOURS[i % 2]}-socket')), b'blue', b'green')

    def test_link_to_a_socket_of_another_host(self):
        for colour in self.COLOURS:
            self.tenant_named(self.host(colour) / 's', colour.encode())
        path = self.host('a.example') / 'tls-socket'
        self.link(path, '../blue/s')
        self.assert_all(self.load(lambda i: self.link(
            path, f'../{self.COLOURS[i % 2]}/s')), b'blue', b'green')

    def test_link_to_a_host(self):
        """A whole host is swapped."""
        for colour in self.COLOURS:
            self.tenant_named(self.host(colour) / 'tls-socket',
                              colour.encode())
        path = self.hosts / 'a.example'
        self.link(path, 'blue')
        self.assert_all(self.load(lambda i: self.link(
            path, self.COLOURS[i % 2])), b'blue', b'green')

    def test_link_to_a_host_of_links(self):
        """Both at once: each host's socket is a link out of it."""
        for colour in self.COLOURS:
            self.tenant_named(self.host('run') / colour, colour.encode())
            self.link(self.host(colour) / 'tls-socket', f'../run/{colour}')
        path = self.hosts / 'a.example'
        self.link(path, 'blue')
        self.assert_all(self.load(lambda i: self.link(
            path, self.COLOURS[i % 2])), b'blue', b'green')

    def test_one_connection_one_host(self):
        """A host is opened once, and all about it looked up below: a tenant
        that asks for PROXY headers always gets one, the other never."""
        self.tenant_named(self.host('blue') / 'tls-socket', b'blue',
                          b'PROXY TCP4 ')
        (self.hosts / 'blue' / 'send-proxy-v1').touch()
        self.tenant_named(self.host('green') / 'tls-socket', b'green')
        path = self.hosts / 'a.example'
        self.link(path, 'blue')
        self.assert_all(self.load(lambda i: self.link(
            path, self.COLOURS[i % 2])), b'blue', b'green')

    def test_the_socket_itself(self):
        """A new server binds beside and renames over the old socket, which
        goes on serving who has connected to it."""
        host = self.host('a.example')
        path = host / 'tls-socket'
        self.tenant_named(path, b'0')

        def change(i):
            if i % 10 == 0 and i < 1000:
                self.tenant_named(host / 'new', b'%d' % i)
                (host / 'new').rename(path)
        answers = self.load(change)
        self.assertEqual(len(answers), CLIENTS * EACH)
        self.assertEqual([a for a in answers if not a.isdigit()], [])
        self.assertGreater(len(set(answers)), 3)

    def test_out_of_hosts_and_back(self):
        """What was looked at is what is connected to."""
        outside = self.scratch / 'outside'
        wrong = self.tenant_named(outside, b'outside')
        host = self.host('a.example')
        self.tenant_named(host / 'inside', b'inside')
        path = host / 'tls-socket'
        self.link(path, 'inside')
        answers = self.load(lambda i: self.link(
            path, ('inside', '../../outside', str(outside))[i % 3]))
        self.assertEqual(wrong.accepted, 0)
        self.assert_all(answers, b'inside', harness.alert(80))


class Stopped(Case):
    """A tenant that never accepts costs its own visitors an error, and nobody
    else anything."""

    VISITORS = 40

    def setUp(self):
        super().setUp()
        self.tenant_named(self.host('good.example') / 'tls-socket', b'good')

    def stopped(self, backlog):
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        path = self.host('stuck.example') / 'tls-socket'
        listener.bind(str(path))
        os.chmod(path, 0o666)
        listener.listen(backlog)

    def visit(self, daemon):
        """A crowd before the stopped tenant; answers by client."""
        answers = []

        def one():
            try:
                answers.append(wire.ask(
                    daemon.tls, wire.hello('stuck.example'), seconds=6)[0])
            except TimeoutError:
                answers.append(b'waits')
        threads = [threading.Thread(target=one)
                   for _ in range(self.VISITORS)]
        for thread in threads:
            thread.start()
        return threads, answers

    def serve(self, daemon):
        """Seconds that visitors of the other tenant wait."""
        times = []
        for _ in range(200):
            start = time.monotonic()
            self.assertEqual(
                wire.ask(daemon.tls, wire.hello('good.example'))[0],
                b'good')
            times.append(time.monotonic() - start)
        return times

    def test_full_at_once(self):
        """Backlog 0: all but one are told alert 80, within seconds."""
        self.stopped(0)
        daemon = self.usherd('-j', '1', http=0)
        threads, answers = self.visit(daemon)
        times = self.serve(daemon)
        self.assertLess(statistics.median(times), 0.05)
        self.assertLess(max(times), 1)
        for thread in threads:
            thread.join(10)
        self.assertEqual(len(answers), self.VISITORS)
        self.assertLessEqual(set(answers), {harness.alert(80), b'waits'})
        self.assertLessEqual(answers.count(b'waits'), 1)

    def test_room_in_its_backlog(self):
        """They wait there, and nobody waits for them."""
        self.stopped(self.VISITORS)
        daemon = self.usherd('-j', '1', http=0)
        threads, answers = self.visit(daemon)
        times = self.serve(daemon)
        self.assertLess(statistics.median(times), 0.05)
        self.assertLess(max(times), 1)
        for thread in threads:
            thread.join(10)
        self.assertEqual(answers, [b'waits'] * self.VISITORS)


if __name__ == '__main__':
    unittest.main()
