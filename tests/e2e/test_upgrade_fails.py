# SPDX-License-Identifier: ISC
"""SIGUSR2 with a program that does not get ready, and other signals while an
upgrade is under way."""
import os
import re
import signal
import socket
import subprocess
import time
import unittest

import harness
import held
import loads
from harness import wait_for
from held import hold
from loads import Load
from upgrades import Upgrades

QUICK = os.environ.get('USHER_QUICK') == '1'


def trial_ms():
    """How long a program may take to get ready."""
    text = (harness.TOP / 'src/usherd/upgrade.h').read_text()
    factors = re.search(r'UPGRADE_TRIAL_MS = (\d+) \* (\d+)', text)
    return int(factors[1]) * int(factors[2])


class Broken(Upgrades):
    """It is said, in one line, and the old one goes on serving."""

    def fails(self, says, seconds=5):
        """What is there now under the name of usherd does not get ready."""
        one, = hold(self, self.daemon.tls)
        before = self.there()
        table = held.descriptors(self.daemon.pid)
        load = Load(self, self.daemon)
        time.sleep(0.2)
        line = self.ask_for_one()
        said = self.daemon.wait_log('upgrade: .*the present one goes on',
                                    seconds, line)
        self.assertRegex(said, says)
        visits = load.stop()
        self.assertEqual(loads.failed(visits), [])
        wait_for(lambda: self.there() == before, 2)
        self.assertEqual(held.descriptors(self.daemon.pid), table)
        self.assertNotIn('takes over', self.daemon.said())
        self.assertTrue(one.alive())
        one.close()
        self.served()

    def then_succeeds(self):
        self.copies.replace()
        self.upgrade()
        self.served()

    def script(self, text, says, seconds=5):
        self.begin()
        self.copies.put_text('usherd', text)
        self.fails(says, seconds)
        self.then_succeeds()

    def test_exits(self):
        self.script('#!/bin/sh\nexit 1\n', 'exited 1')

    def test_exits_without_being_ready(self):
        self.script('#!/bin/sh\nexit 0\n', 'exited 0')

    def test_crashes(self):
        self.script('#!/bin/sh\nkill -SEGV $$\n', 'killed by signal 11')

    def test_no_program(self):
        self.script('this is none', 'exited 1')

    def test_says_what_is_no_word(self):
        """Its end of the pipe has the number that its environment says."""
        self.script('#!/bin/sh\nprintf xyz >/proc/self/fd/$USHERD_TRIAL\n'
                    'exit 0\n', 'exited 0')

    def test_stops(self):
        self.script('#!/bin/sh\nkill -STOP $$\n', 'killed by signal 9')

    def test_ready_and_then_not(self):
        self.script('#!/bin/sh\nprintf r >/proc/self/fd/$USHERD_TRIAL\n'
                    'exit 3\n', 'exited 3')

    def test_is_not_there(self):
        self.begin()
        (self.copies.path / 'usherd').unlink()
        self.fails('exited 1')
        self.then_succeeds()

    def test_child_is_not_there(self):
        self.begin()
        (self.copies.path / 'usherd-tls').unlink()
        self.fails('exited 1')
        self.then_succeeds()

    def test_child_that_ends(self):
        self.begin()
        self.copies.put_text('usherd-front', '#!/bin/sh\nexit 1\n')
        self.fails('exited 1')
        self.then_succeeds()

    def test_hosts_are_not_there(self):
        self.begin()
        elsewhere = self.hosts.with_name('elsewhere')
        os.rename(self.hosts, elsewhere)
        self.fails('exited 1')
        os.rename(elsewhere, self.hosts)
        self.then_succeeds()

    @unittest.skipIf(QUICK, f'takes {trial_ms() // 1000} s')
    def test_hangs(self):
        """It is ended after its time; the launcher does what it is asked for
        meanwhile."""
        self.begin()
        self.copies.put_text('usherd', '#!/bin/sh\nexec sleep 300\n')
        line = self.ask_for_one()
        began = time.monotonic()
        self.daemon.wait_log('upgrade: trying', 2, line)
        os.kill(held.front(self.daemon) if self.jobs == 1 else
                held.children(self.daemon, 'usherd-front')[0],
                signal.SIGKILL)
        self.served()
        self.daemon.process.send_signal(signal.SIGUSR1)
        self.daemon.wait_log('counts tls accepted=', 2, line)
        self.daemon.wait_log(r'killed by signal 9\): the present one goes on',
                             trial_ms() / 1000 + 5, line)
        self.assertAlmostEqual(time.monotonic() - began, trial_ms() / 1000,
                               delta=1)
        wait_for(self.there)
        self.then_succeeds()


class Trial(Upgrades):
    """What SIGUSR2 starts first, started by the test."""

    def test_leaves_the_backlog_alone(self):
        """Who waits there is for the others, who serve: nobody is taken in by
        what ends as soon as it is ready."""
        with socket.create_server(('127.0.0.1', 0)) as listener:
            clients = [socket.create_connection(listener.getsockname())
                       for _ in range(4)]
            for _ in range(25):
                self.tried(listener)
            listener.setblocking(False)
            for client in clients:
                client.close()
                listener.accept()[0].close()

    def tried(self, listener):
        out, end = os.pipe()
        fd = listener.fileno()
        done = subprocess.run(
            harness.with_user([self.copies.path / 'usherd', '-j', '2', '-d',
                               self.hosts, '-t', f'fd:{fd}']),
            env={**os.environ, 'USHERD_TRIAL': str(end),
                 'USHERD_LISTENERS': f'{fd}t:0:1 '},
            pass_fds=[fd, end], stderr=subprocess.PIPE)
        os.close(end)
        with open(out, 'rb') as pipe:
            self.assertEqual((done.returncode, pipe.read()), (0, b'r'),
                             done.stderr)


class Signals(Upgrades):
    """Others, at whatever moment of an upgrade they come."""

    def ended(self, pids, seconds):
        self.assertEqual(self.daemon.process.wait(seconds), 0)
        held.wait_gone(pids, 1)
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(('127.0.0.1', self.daemon.tls))

    def moments(self, number, step=0.008, n=12):
        """A daemon for each; the pids of its processes."""
        for i in range(n):
            with self.subTest(after=step * i):
                self.begin('-g', '2')
                one, = hold(self, self.daemon.tls)
                pids = held.all_children(self.daemon)
                self.ask_for_one()
                time.sleep(step * i)
                pids += held.all_children(self.daemon)
                self.daemon.process.send_signal(number)
                time.sleep(0.3)
                self.assertTrue(one.alive())
                self.assertIsNone(self.daemon.process.poll())
                yield one, set(pids)

    def test_terminated(self):
        """All end; connections have as long as -g says."""
        for one, pids in self.moments(signal.SIGTERM):
            one.close()
            self.ended(pids, 1)

    def test_terminated_for_good(self):
        """And no longer."""
        for one, pids in self.moments(signal.SIGTERM, 0.03, 4):
            self.ended(pids, 3)
            self.assertFalse(one.alive())

    def test_quit(self):
        """SIGQUIT waits for the last of them."""
        for one, pids in self.moments(signal.SIGQUIT, 0.015, 6):
            time.sleep(2)
            self.assertTrue(one.alive())
            one.close()
            self.ended(pids, 1)

    def test_terminated_twice(self):
        for one, pids in self.moments(signal.SIGTERM, 0.03, 4):
            self.daemon.process.send_signal(signal.SIGTERM)
            self.ended(pids, 1)
            self.assertFalse(one.alive())

    def test_others(self):
        """SIGHUP and SIGUSR1 change nothing."""
        self.begin()
        one, = hold(self, self.daemon.tls)
        load = Load(self, self.daemon)
        for number in (signal.SIGHUP, signal.SIGUSR1) * 3:
            line = self.ask_for_one()
            for _ in range(20):
                self.daemon.process.send_signal(number)
                time.sleep(0.005)
            self.taken_over(line)
            one.close()
            wait_for(self.there)
            one, = hold(self, self.daemon.tls)
        self.assertEqual(loads.failed(load.stop()), [])

    def test_launcher_killed_after_it(self):
        """Its death ends those of the program before, too."""
        self.begin()
        one, = hold(self, self.daemon.tls)
        self.taken_over(self.ask_for_one())
        time.sleep(0.3)
        pids = held.processes(self.daemon)
        self.assertGreater(len(pids), self.all + 1)
        self.daemon.process.kill()
        held.wait_gone(pids, 1)
        self.assertFalse(one.alive())

    def test_children_that_die_meanwhile(self):
        """Each is somebody's to bury, whatever the moment."""
        for i in range(8):
            with self.subTest(i=i):
                self.begin()
                one, = hold(self, self.daemon.tls)
                line = self.ask_for_one()
                time.sleep(0.01 * i)
                for pid in held.children(self.daemon, 'usherd-http'):
                    os.kill(pid, signal.SIGKILL)
                self.taken_over(line)
                self.assertTrue(one.alive())
                one.close()
                wait_for(self.there)
                self.served()
                self.assertEqual(self.daemon.stop(), 0)


if __name__ == '__main__':
    unittest.main()
