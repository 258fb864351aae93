# SPDX-License-Identifier: ISC
"""Each kind of process is killed, stopped or made to hang while hundreds of
connections are established and new ones come all the time."""
import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

import harness
import held
import loads
import wire
from harness import wait_for
from held import hold
from lives import Base
from loads import Load

ESTABLISHED = 250       # of each protocol
REPAIRED = 0.2          # seconds, beyond what it takes without any harm
AFTER = 0.05            # until a process that was killed does no more
DRAINING_MAX = 4        # src/common/launch.h
GROUPS = '/sys/fs/cgroup/unified', '/sys/fs/cgroup'


class Deaths(Base):
    def begin(self, *options, **how):
        held.want_descriptors(self, 4096)
        super().begin(*options, **how)
        self.table = held.descriptors(self.daemon.pid)
        return self.daemon

    def established(self, n=ESTABLISHED):
        return hold(self, self.daemon.tls, n) + \
            hold(self, self.daemon.http, n, tls=False)

    def half_answered(self):
        """An HTTP exchange in the middle of its response; gives the client
        and what lets the tenant go on."""
        go_on = threading.Event()

        def serve(connection):
            harness.read_head(connection)
            connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n'
                               b'\r\nhalf')
            go_on.wait(20)
            connection.sendall(b'done')
            harness.read_head(connection)       # kept open for more
        self.tenant(self.host('slow.example') / 'http-socket', serve)
        client = wire.connect(self.daemon.http)
        self.addCleanup(client.close)
        client.sendall(wire.head('slow.example'))
        data = b''
        while not data.endswith(b'half'):
            data += client.recv(100)
        return client, go_on

    def control(self, seconds=1.0):
        """How long the slowest of the same connections takes when nothing
        happens."""
        load = Load(self, self.daemon)
        time.sleep(seconds)
        visits = load.stop()
        self.assertEqual(loads.failed(visits), [])
        return loads.slowest(visits)

    def refusal_is_told(self):
        _, port = wire.ask(self.daemon.http, wire.head(None))
        self.daemon.wait_log(f'refused http .*:{port} ')

    def all_alive(self, connections):
        self.assertEqual([one for one in connections if not one.alive()], [])

    def whole(self, n):
        """There are n processes again, none is a zombie, and the launcher has
        as many descriptors as at first."""
        def there():
            pids = held.all_children(self.daemon)
            return len(pids) == n and all(map(held.runs, pids)) and \
                held.descriptors(self.daemon.pid) == self.table
        wait_for(there, 15)


class Launcher(Deaths):
    def test_killed(self):
        """All end within a second, and all their connections."""
        self.begin('-j', '2')
        others = self.established()
        load = Load(self, self.daemon)
        time.sleep(0.5)
        pids = held.processes(self.daemon)
        self.assertEqual(len(pids), 12)
        self.daemon.process.kill()
        held.wait_gone(pids, 1)
        load.stop()
        for one in others:
            with contextlib.suppress(ConnectionResetError):
                self.assertEqual(one.socket.recv(1), b'')

    def test_stopped(self):
        """All others go on; nobody is replaced when it goes on, too."""
        self.begin('-j', '2')
        others = self.established(20)
        before = held.processes(self.daemon)
        os.kill(self.daemon.pid, signal.SIGSTOP)
        load = Load(self, self.daemon)
        time.sleep(4)
        self.assertEqual(loads.failed(load.stop()), [])
        self.all_alive(others)
        os.kill(self.daemon.pid, signal.SIGCONT)
        time.sleep(1)
        self.served()
        self.all_alive(others)
        self.assertEqual(held.processes(self.daemon), before)


class Front(Deaths):
    def killed(self, jobs):
        self.begin('-j', jobs)
        others = self.established()
        client, go_on = self.half_answered()
        n = len(held.all_children(self.daemon))
        control = self.control()
        before = set(held.children(self.daemon))
        load = Load(self, self.daemon)
        time.sleep(0.5)
        victim = held.children(self.daemon, 'usherd-front')[0]
        killed = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        first = [loads.timed(self.port(tls), tls) for tls in (True, False)]
        time.sleep(0.5)
        go_on.set()
        self.assertEqual(client.recv(100), b'done')
        self.all_alive(others)
        visits = load.stop()
        print(f'-j {jobs}: control {control:.3f} s; after a death', ', '.join(
            f'{seconds:.3f} s {result}' for seconds, result in first),
            f'slowest {loads.slowest(visits):.3f} s, lost',
            len(loads.failed(visits)), 'of', len(visits))
        self.assertEqual([result for _, result in first], ['echo', 'echo'])
        self.assertLess(max(first)[0], REPAIRED + control)
        self.assertLess(loads.slowest(visits), REPAIRED + control)
        # undecided ones only: begun before it was dead, ended after
        self.assertEqual([visit for visit in loads.failed(visits) if not
                          killed - control <= visit[0] <= killed + AFTER], [])
        self.assertIn('killed by signal 9', self.daemon.said())
        self.drained(before, others, n)

    def drained(self, before, others, n):
        """Relays without a front go on, and end with their connections."""
        self.assertTrue(before & set(held.children(self.daemon,
                                                   'usherd-relay')))
        for one in others:
            one.close()
        self.whole(n)
        self.served()

    def test_killed(self):
        self.killed('1')

    def test_killed_beside_another(self):
        self.killed('2')

    def test_again_and_again(self):
        """It comes back slower each time; of those relays that have no front
        any more as many are kept as may be, the last."""
        self.begin('-j', '1')
        n = len(held.all_children(self.daemon))
        connections, deaths = [], DRAINING_MAX + 3
        for _ in range(deaths):
            connections.append(self.established(1))
            os.kill(held.front(self.daemon), signal.SIGKILL)
            connections[-1] += self.established(1)
            relays = held.children(self.daemon, 'usherd-relay')
            self.assertLessEqual(len(relays), 2 * (DRAINING_MAX + 1))
        for i, generation in enumerate(connections[-DRAINING_MAX:]):
            with self.subTest(generation=i):
                self.all_alive(generation)
        self.assertFalse(any(one.alive() for one in connections[0][:2]))
        for times in range(2, deaths + 1):
            self.assertRegex(self.daemon.said(), r'front 1 \(pid \d+\) ended '
                             rf'{times} times in a row: next start in [1-9]')
        for one in sum(connections, []):
            one.close()
        self.whole(n)


class Log(Deaths):
    def test_killed(self):
        """Lines are lost and nothing else."""
        self.begin('-j', '2')
        others = self.established()
        n = len(held.all_children(self.daemon))
        load = Load(self, self.daemon)
        time.sleep(0.5)
        for _ in range(3):
            old, = held.children(self.daemon, 'usherd-log')
            os.kill(old, signal.SIGKILL)
            self.refusal_is_told()
            self.daemon.wait_log(rf'log \(pid {old}\) killed by signal 9', 3)
        self.daemon.process.send_signal(signal.SIGUSR1)
        accepted = int(re.search('accepted=([0-9]+)', self.daemon.wait_log(
            'counts tls'))[1])
        self.assertGreater(accepted, ESTABLISHED)
        visits = load.stop()
        self.assertEqual(loads.failed(visits), [])
        self.all_alive(others)
        self.whole(n)


    def test_killed_while_nobody_reads(self):
        """What is said in its place does not wait for stderr, either."""
        self.echoing()
        out, end = os.pipe()
        with socket.create_server(('127.0.0.1', 0)) as listener:
            port, fd = listener.getsockname()[1], listener.fileno()
            process = subprocess.Popen(
                harness.with_user([harness.BUILD / 'usherd', '-j', '1', '-d',
                                   self.hosts, '-t', f'fd:{fd}']),
                pass_fds=[fd], stderr=end)
        self.addCleanup(process.wait)
        self.addCleanup(os.close, out)
        self.addCleanup(process.kill)
        held.Held(port).establish().close()
        with open(f'/proc/self/fd/{end}', 'wb', buffering=0, opener=(
                lambda path, _: os.open(path, os.O_WRONLY |
                                        os.O_NONBLOCK))) as full:
            while full.write(b'x' * 4096) is not None:
                pass
        os.close(end)
        for _ in range(4):
            log, = wait_for(lambda: held.children(process, 'usherd-log'), 5)
            os.kill(log, signal.SIGKILL)
            held.wait_gone([log])
        os.kill(held.front(process), signal.SIGKILL)
        held.Held(port).establish().close()
        wait_for(lambda: held.children(process, 'usherd-log'), 5)


class Stopped(Deaths):
    def replaced(self, program, jobs='2', seconds=1.0):
        """The first of them is stopped, and replaced; gives its pid."""
        self.begin('-j', jobs)
        n = len(held.all_children(self.daemon))
        victim = held.children(self.daemon, program)[0]
        os.kill(victim, signal.SIGSTOP)
        held.wait_gone([victim], seconds)
        self.whole(n)
        self.served()
        self.daemon.wait_log(rf'\(pid {victim}\) stopped: replac')

    def test_front(self):
        self.replaced('usherd-front')

    def test_only_front(self):
        self.replaced('usherd-front', '1')

    def test_log(self):
        self.replaced('usherd-log')
        self.refusal_is_told()

    def test_parsers_and_relay(self):
        for program in ('usherd-tls', 'usherd-http', 'usherd-relay'):
            with self.subTest(program):
                self.replaced(program)
                self.daemon.stop()

    def test_relay_without_a_front(self):
        """One that drains is nobody's to wait for: it costs what it has."""
        self.begin('-j', '1')
        n = len(held.all_children(self.daemon))
        one, = hold(self, self.daemon.tls)
        old = held.children(self.daemon, 'usherd-relay')
        os.kill(held.front(self.daemon), signal.SIGKILL)
        wait_for(lambda: len(held.children(self.daemon)) == 5, 5)
        self.assertTrue(one.alive())
        left, = set(old) & set(held.children(self.daemon))
        os.kill(left, signal.SIGSTOP)
        self.assertFalse(one.alive())
        self.whole(n)
        self.served()


def frozen_group():
    """A control group (cgroup 2) that can be frozen, or None."""
    for top in GROUPS:
        path = f'{top}/usher-test.{os.getpid()}'
        try:
            os.mkdir(path)
        except OSError:
            continue
        if os.path.exists(f'{path}/cgroup.freeze'):
            return path
        os.rmdir(path)
    return None


class Hanging(Deaths):
    """One that hangs without being stopped is known by its silence."""

    def setUp(self):
        super().setUp()
        self.group = frozen_group()
        if self.group is None:
            self.skipTest('no control group that can be frozen')
        self.addCleanup(os.rmdir, self.group)

    def freeze(self, pid):
        for name, text in (('procs', str(pid)), ('freeze', '1')):
            with open(f'{self.group}/cgroup.{name}', 'w') as f:
                f.write(text)

    def replaced(self, program):
        self.begin('-j', '2')
        others = self.established(20)
        n = len(held.all_children(self.daemon))
        load = Load(self, self.daemon)
        victim = held.children(self.daemon, program)[0]
        began = time.monotonic()
        self.freeze(victim)
        held.wait_gone([victim], 13)
        seconds = time.monotonic() - began
        visits = load.stop()
        print(f'{program} hung: replaced after {seconds:.1f} s, slowest '
              f'{loads.slowest(visits):.3f} s, lost',
              len(loads.failed(visits)), 'of', len(visits))
        self.assertGreater(seconds, 5)
        self.daemon.wait_log(rf'\(pid {victim}\) does not answer: replac')
        self.all_alive(others)
        for one in others:
            one.close()
        self.whole(n)
        self.served()
        return visits

    def test_front(self):
        """Who had not got further than it is lost; of others, those wait whom
        the kernel had left to it, until the other one looks."""
        visits = self.replaced('usherd-front')
        self.assertLess(len(loads.failed(visits)), len(visits) / 50)

    def test_log(self):
        self.assertEqual(loads.failed(self.replaced('usherd-log')), [])


if __name__ == '__main__':
    unittest.main()
