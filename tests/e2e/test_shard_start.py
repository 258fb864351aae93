# SPDX-License-Identifier: ISC
"""A shard that cannot start does not stop the others, and is started when it
can be."""
import contextlib
import os
import resource
import subprocess
import time
import unittest

import harness
import held
from copies import Copies
from harness import ROOT, USER, Usherd, wait_for
from lives import Base

QUICK = os.environ.get('USHER_QUICK') == '1'
SHARD = 5               # processes of a shard
ALL = 1 + 2 * SHARD     # of two, and the log
LOOKUPS = 8             # threads of a front
NOBODY_ELSE = 61234     # a user of whom nothing else runs


class One(Base):
    """Of two shards one does not start."""

    def both_serve(self):
        """All are there, and the fronts are confined."""
        with contextlib.suppress(OSError, KeyError):
            return len(held.all_children(self.daemon)) == ALL and all(
                int(harness.status_of(pid)['Seccomp_filters']) >= 2
                for pid in held.children(self.daemon, 'usherd-front'))
        return False

    def starts(self, what, seconds=3):
        self.echoing()
        copies = Copies(self)
        copies.wrap('usherd-front')
        copies.does('usherd-front', what)
        self.daemon = self.usherd('-j', '2', build=copies.path)
        table = held.descriptors(self.daemon.pid)
        for _ in range(10):
            self.served()
        self.assertEqual(len(held.children(self.daemon, 'usherd-log')), 1)
        time.sleep(1.5)
        self.served()
        self.assertLessEqual(held.descriptors(self.daemon.pid), table + 12)
        copies.does('usherd-front', None)
        wait_for(self.both_serve, seconds)
        time.sleep(0.3)
        self.assertEqual(len(held.all_children(self.daemon)), ALL)
        self.served()
        return self.daemon.said()

    def test_exits(self):
        log = self.starts('exit 2')
        self.assertRegex(log, r'front 2 \(pid \d+\) exited 7')
        self.assertRegex(log, r'front 2 .*in a row: next start in \d+ ms')
        self.assertNotIn('front 1', log)

    def test_the_first_one(self):
        self.assertRegex(self.starts('exit 1'),
                         r'front 1 \(pid \d+\) exited 7')

    def test_crashes(self):
        self.assertRegex(self.starts('crash 2'),
                         r'front 2 \(pid \d+\) killed by signal')

    @unittest.skipIf(QUICK, 'takes as long as three pings')
    def test_hangs(self):
        self.assertRegex(self.starts('hang 2', 20),
                         r'front 2 \(pid \d+\) does not answer')

    def test_none_starts(self):
        """Then there is nothing to serve with, and it says so and ends."""
        self.echoing()
        copies = Copies(self)
        copies.wrap('usherd-front')
        copies.does('usherd-front', 'exit')
        daemon = Usherd(self.hosts, '-j', '2', build=copies.path)
        self.addCleanup(daemon.stop, harness.signal.SIGKILL)
        self.assertEqual(daemon.process.wait(10), 1)
        daemon.reader.join(5)
        self.assertIn('no shard could start', daemon.said())


@unittest.skipUnless(ROOT and USER == '_usherd', 'needs a user of its own')
class Processes(Base):
    """RLIMIT_NPROC lets a plain user have so many processes and threads."""

    def setUp(self):
        super().setUp()
        self.alone()
        self.copies = Copies(self)
        self.copies.wrap('usherd-front')

    def alone(self):
        """Those of the last daemon count until init has buried them."""
        def buried():
            for entry in os.scandir('/proc'):
                with contextlib.suppress(OSError):
                    if entry.name.isdigit() and \
                            entry.stat().st_uid == NOBODY_ELSE:
                        return False
                    if entry.name.isdigit() and harness.status_of(
                            entry.name)['Uid'].split()[0] == str(NOBODY_ELSE):
                        return False
            return True
        wait_for(buried, 30)

    def preexec(self, limit):
        def become():
            os.setgroups([])
            os.setresgid(*[NOBODY_ELSE] * 3)
            os.setresuid(*[NOBODY_ELSE] * 3)
            if limit is not None:
                hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
                resource.setrlimit(resource.RLIMIT_NPROC, (limit, hard))
        return become

    def all_there(self):
        pids = held.all_children(self.daemon)
        return len(pids) == ALL and all(map(held.runs, pids))

    def threads(self):
        return sum(int(harness.status_of(pid)['Threads'])
                   for pid in held.processes(self.daemon))

    def test_too_few(self):
        self.echoing()
        self.daemon = self.usherd('-j', '2', build=self.copies.path,
                                  preexec=self.preexec(None))
        wait_for(self.all_there)
        wanted = self.threads()
        self.daemon.stop()
        # The first gets what it needs before the second asks for it.
        self.copies.does('usherd-front', 'slow 2')
        for others in range(1, 8, 3 if QUICK else 1):
            with self.subTest(others=others, of=wanted):
                self.limited(wanted, others)

    def idle(self, n):
        """So many are in use by others, for a while."""
        idle = [subprocess.Popen(['sleep', '60'],
                                 preexec_fn=self.preexec(None))
                for _ in range(n)]
        for process in idle:
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
        return idle

    def test_child_of_a_front_that_is_not_ready(self):
        """One that cannot be started does not keep the other shard from
        serving; nothing of this front's has failed."""
        self.echoing()
        self.copies.does('usherd-front', 'slow')
        idle = self.idle(20)
        self.daemon = Usherd(self.hosts, '-j', '2', build=self.copies.path,
                             preexec=self.preexec(20 + ALL + LOOKUPS))
        self.addCleanup(self.daemon.stop, harness.signal.SIGKILL)
        self.daemon.wait_log(r'http relay 2: cannot start')
        for process in idle:
            process.kill()
            process.wait()
        self.daemon.start()
        self.served()
        wait_for(self.all_there, 5)
        self.served()

    def limited(self, limit, others):
        self.alone()
        idle = self.idle(others)
        self.daemon = self.usherd('-j', '2', build=self.copies.path,
                                  preexec=self.preexec(limit))
        self.addCleanup(self.daemon.stop, harness.signal.SIGKILL)
        try:
            table = held.descriptors(self.daemon.pid)
            time.sleep(1.2)
            self.served()
            self.assertRegex(self.daemon.said(), '2: cannot start: Resource '
                             r'temporarily unavailable|\d\) exited 1')
            for process in idle:
                process.kill()
                process.wait()
            wait_for(self.all_there, 8)
            time.sleep(0.3)
            self.assertTrue(self.all_there(), self.daemon.said())
            self.served()
            self.assertLessEqual(held.descriptors(self.daemon.pid), table + 4)
        finally:
            log = self.daemon.said()
            status = self.daemon.stop()
        self.assertEqual(status, 0, log)


if __name__ == '__main__':
    unittest.main()
