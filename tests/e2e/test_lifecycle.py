# SPDX-License-Identifier: ISC
"""The launcher's end, its successor, and want of descriptors."""
import contextlib
import os
import re
import resource
import select
import signal
import socket
import subprocess
import time

import harness
import held
import wire
from harness import wait_for
from held import hold
from lives import HELLO, Base

LOAD = harness.BUILD / 'tests' / 'load'
SERVE = harness.BUILD / 'tests' / 'serve'


class Ending(Base):
    """SIGTERM: stop accepting, let established connections finish for at most
    -g seconds, exit 0; a second one exits at once."""

    def refused(self):
        try:
            wire.connect(self.daemon.tls, 5).close()
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            pass                # it came as the door was closing
        return False

    def end(self, number=signal.SIGTERM):
        """Sends it and waits until nothing is accepted any more."""
        self.daemon.process.send_signal(number)
        wait_for(self.refused, 2)

    def finishes(self, number):
        self.begin()
        children = held.children(self.daemon)
        one, = hold(self, self.daemon.tls)
        self.end(number)
        self.assertTrue(one.alive())
        time.sleep(0.3)
        self.assertTrue(one.alive())
        self.assertIsNone(self.daemon.process.poll())
        one.close()
        self.assertEqual(self.daemon.process.wait(2), 0)
        held.wait_gone(children, 1)

    def test_terminated(self):
        self.finishes(signal.SIGTERM)

    def test_interrupted(self):
        self.finishes(signal.SIGINT)

    def test_idle(self):
        """Without connections it ends at once."""
        self.begin()
        began = time.monotonic()
        self.assertEqual(self.daemon.stop(), 0)
        self.assertLess(time.monotonic() - began, 0.5)

    def test_half_a_hello(self):
        """A connection that was accepted may still say where it goes to."""
        self.begin()
        halves = [self.partial(True), self.partial(False)]
        time.sleep(0.1)
        self.end()
        self.assertTrue(self.complete(halves[0], True))
        self.assertTrue(self.complete(halves[1], False))
        for half in halves:
            half.close()
        self.assertEqual(self.daemon.process.wait(2), 0)

    def test_backlog_is_served(self):
        """Who had connected before the signal is not turned away."""
        self.begin()
        with held.fronts_stopped(self.daemon):
            waiting = [held.Held(self.daemon.tls) for _ in range(300)]
            self.daemon.process.send_signal(signal.SIGTERM)
        for one in waiting:
            one.establish().close()
        self.assertEqual(self.daemon.process.wait(2), 0)

    def test_grace_is_over(self):
        """-g 1 cuts after a second, and exits 0."""
        self.begin('-g', '1')
        one, = hold(self, self.daemon.tls)
        began = time.monotonic()
        self.end()
        self.assertEqual(self.daemon.process.wait(5), 0)
        self.assertAlmostEqual(time.monotonic() - began, 1, delta=0.3)
        self.assertFalse(one.alive())

    def test_no_grace(self):
        """-g 0 cuts at once."""
        self.begin('-g', '0')
        hold(self, self.daemon.tls)
        began = time.monotonic()
        self.assertEqual(self.daemon.stop(), 0)
        self.assertLess(time.monotonic() - began, 0.5)

    def test_second_signal(self):
        self.begin()
        children = held.children(self.daemon)
        hold(self, self.daemon.tls)
        self.end()
        began = time.monotonic()
        self.daemon.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.daemon.process.wait(2), 0)
        self.assertLess(time.monotonic() - began, 0.5)
        held.wait_gone(children, 1)

    def test_second_signal_after_quit(self):
        """SIGTERM after SIGQUIT sets the limit of -g; one more ends at once."""
        self.begin('-g', '60')
        one, = hold(self, self.daemon.tls)
        self.end(signal.SIGQUIT)
        self.daemon.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        self.assertTrue(one.alive())
        self.daemon.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.daemon.process.wait(2), 0)

    def test_quit_while_starting(self):
        """SIGQUIT ends it at whatever moment it comes, also while it waits
        for its children: it is not forgotten and then served on."""
        def plain():
            signal.signal(signal.SIGQUIT, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for i in range(25):
            daemon = harness.Usherd(self.hosts, '-j', '4', preexec=plain)
            self.addCleanup(daemon.stop, signal.SIGKILL)
            time.sleep(0.003 * i)
            daemon.process.send_signal(signal.SIGQUIT)
            self.assertIn(daemon.process.wait(5), (0, -signal.SIGQUIT), i)

    def test_children_that_die_meanwhile(self):
        """A relay that dies in the grace time does not hold up the end."""
        self.begin()
        hold(self, self.daemon.tls)
        self.end()
        for pid in held.children(self.daemon, 'usherd-relay'):
            with contextlib.suppress(ProcessLookupError):   # nothing is left
                os.kill(pid, signal.SIGKILL)
        self.assertEqual(self.daemon.process.wait(2), 0)


class Handover(Base):
    """SIGQUIT: stop accepting and finish without a limit, for a successor that
    already holds the listening socket."""

    def setUp(self):
        super().setUp()
        self.listener = socket.socket()
        self.addCleanup(self.listener.close)
        self.listener.bind(('127.0.0.1', 0))
        self.listener.listen(1024)
        self.number = self.listener.getsockname()[1]
        self.echoing()

    def another(self):
        fd = self.listener.fileno()
        daemon = self.usherd('-g', '1', '-t', f'fd:{fd}', tls=0, http=0,
                             pass_fds=(fd,))
        wait_for(lambda: 'listening on' in daemon.log())
        return daemon

    def test_old_one_finishes_without_limit(self):
        old = self.another()
        one, = hold(self, self.number)
        new = self.another()
        old.process.send_signal(signal.SIGQUIT)
        old.wait_log('no longer accepting')
        hold(self, self.number, 5)
        time.sleep(2)           # the grace time of SIGTERM is 1 s
        self.assertTrue(one.alive())
        self.assertIsNone(old.process.poll())
        one.close()
        self.assertEqual(old.process.wait(2), 0)
        self.assertIsNone(new.process.poll())
        hold(self, self.number)

    @harness.unittest.skipUnless(LOAD.exists(), 'build/tests/load missing')
    def test_under_load(self):
        """Not one connection is refused or lost, five times in turn."""
        path = self.scratch / 'flight'
        path.write_bytes(wire.hello('fast.example'))
        tenant = subprocess.Popen(
            [SERVE, '--unix', self.host('fast.example') / 'tls-socket',
             '--request', str(path.stat().st_size), '--answer', '100'],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.addCleanup(tenant.wait)
        self.addCleanup(tenant.stdin.close)
        daemon = self.another()
        load = subprocess.Popen(
            [LOAD, '--port', str(self.number), '--file', path, '--count',
             '20000', '--concurrency', '20', '--expect', '100', '--seconds',
             '40'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(load.wait)
        self.addCleanup(load.kill)
        self.addCleanup(load.stdout.close)
        for _ in range(5):
            successor = self.another()
            daemon.process.send_signal(signal.SIGQUIT)
            self.assertEqual(daemon.process.wait(10), 0)
            daemon = successor
        self.assertRegex(load.stdout.read().decode(),
                         r'^ok 20000 failed 0 ')


class Shortage(Base):
    """EMFILE: no spin, no death, no lost listener."""

    def small(self, *options):
        held.want_descriptors(self, 4096)
        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (1100, 1100))
        self.begin('-j', '1', *options, preexec=limit)

    def crowd(self, flight, n=1500):
        clients = []
        for _ in range(n):
            client = socket.socket()
            self.addCleanup(client.close)
            client.setblocking(False)
            client.connect_ex(('127.0.0.1', self.daemon.tls))
            clients.append(client)
        time.sleep(0.5)
        for client in clients:
            try:
                client.send(flight)
            except OSError:
                pass
        return clients

    def survives(self, clients):
        pids = held.processes(self.daemon)
        time.sleep(1)
        before = held.cpu(pids)
        time.sleep(3)
        self.assertLess(held.cpu(pids) - before, 0.15)
        for client in clients:
            client.close()
        held.Held(self.daemon.tls, seconds=5).establish().close()
        self.assertEqual(held.processes(self.daemon), pids)

    def test_silent_clients(self):
        self.small()
        self.survives(self.crowd(b''))

    def test_half_hellos(self):
        self.small()
        self.survives(self.crowd(HELLO[:10]))

    def test_established_clients(self):
        self.small()
        self.survives(self.crowd(HELLO))

    def test_full_relay_leaves_tenants_alone(self):
        """Who waits for room in a relay is not connected to the tenant again
        and again meanwhile."""
        self.small()
        self.crowd(HELLO, 400)
        time.sleep(2)
        self.assertLessEqual(self.echo.accepted, 400)

    def test_other_protocol_is_served(self):
        """HTTP goes on while TLS is full."""
        self.small()
        self.crowd(HELLO[:10])
        held.Held(self.daemon.http, tls=False, seconds=5).establish().close()


class FullLog(Base):
    def test_nobody_reads_stderr(self):
        """stderr a full pipe: the daemon goes on serving."""
        self.echoing()
        out, into = os.pipe()
        self.addCleanup(os.close, out)
        process = subprocess.Popen(
            harness.with_user([harness.BUILD / 'usherd', '-d', self.hosts,
                               '-t', '127.0.0.1:0']),
            stderr=into, stdin=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        text = b''
        while b'listening' not in text:
            self.assertIsNone(process.poll(), text)
            text += os.read(out, 4096)
        port = int(re.search(rb':(\d+) for', text)[1])
        self.fill(into)
        for _ in range(50):
            self.assertEqual(harness.exchange(port, b'GET / HTTP/1.1\r\n'),
                             harness.alert(10))
        held.Held(port).establish().close()
        before = held.children(process)
        os.kill(before[0], signal.SIGKILL)  # there is news to be logged
        wait_for(lambda: before[0] not in held.children(process)
                 and len(held.children(process)) == len(before))
        held.Held(port).establish().close()
        self.emptied(out, port)

    def fill(self, into):
        """As full as a pipe can be."""
        for size in (4096, 1):
            for _ in range(1 << 17):
                if not select.select([], [into], [], 0)[1]:
                    break
                os.write(into, b'\n' * size)
        os.close(into)

    def emptied(self, out, port):
        """When it is read again, the number of lost lines is told."""
        while select.select([out], [], [], 0.2)[0]:
            os.read(out, 65536)
        harness.exchange(port, b'GET / HTTP/1.1\r\n')
        self.assertTrue(select.select([out], [], [], 5)[0])
        self.assertRegex(os.read(out, 4096), rb'\(\d+ lines lost\) refused')


if __name__ == '__main__':
    harness.unittest.main()
