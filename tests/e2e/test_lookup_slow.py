# SPDX-License-Identifier: ISC
"""A tenant who holds the lock of his own directory, for as long as he likes,
keeps his own visitors waiting for a second and nobody else at all."""
import contextlib
import os
import pwd
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import harness
import held
import test_lookup
import wire
from harness import alert, wait_for
from talker import Keeper, Talker, request, response

# getdents64(2), userfaultfd(2)
CALLS = {'x86_64': (217, 323), 'aarch64': (61, 282)}.get(os.uname().machine)
THREADS = 8
# What another tenant's client may wait, on a machine that others use, too.
WAIT = 0.5
PATIENCE = 1.0
# Reads a directory into memory whose page never comes (a file of FUSE would do
# the same for every user), with somebody who wants to write behind it: who
# comes now waits for the directory's lock until this process ends.
HOLDER = """
import ctypes, fcntl, mmap, os, struct, sys, threading, time
getdents, userfaultfd = int(sys.argv[1]), int(sys.argv[2])
path = sys.argv[3]
libc = ctypes.CDLL(None, use_errno=True)
fault = libc.syscall(userfaultfd, os.O_CLOEXEC)
fcntl.ioctl(fault, 0xc018aa3f, struct.pack('QQQ', 0xaa, 0, 0))
page = mmap.mmap(-1, 4096)
at = ctypes.addressof(ctypes.c_char.from_buffer(page))
fcntl.ioctl(fault, 0xc020aa00, struct.pack('QQQQ', at, 4096, 1, 0))
directory = os.open(path, os.O_RDONLY)
def run(what):
    threading.Thread(target=what, daemon=True).start()
run(lambda: libc.syscall(getdents, directory, ctypes.c_void_p(at), 4096))
os.read(fault, 32)      # the fault: the lock is held
run(lambda: os.open(path + '/.new', os.O_CREAT | os.O_WRONLY))
time.sleep(0.1)
print('held', flush=True)
time.sleep(60)
"""
# The same without more than every user has.  Who has waited for the lock for
# some milliseconds is given it by the kernel, and holds everybody up until he
# runs: at the lowest priority, beside work that takes the processors, that
# takes long.
WRITER = """
import os, sys
path = sys.argv[1] + f'/.new-{os.getpid()}'
while True:
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    os.unlink(path)
"""
LISTER = 'import os, sys\nwhile True:\n    os.listdir(sys.argv[1])'
HOG = 'while True:\n    pass'


class Case(test_lookup.Case):
    def setUp(self):
        super().setUp()
        self.holders = []

    def start(self, *options, **how):
        self.daemon = self.usherd('-j', '1', *options, **how)

    def hold(self, path):
        os.utime(path)      # nothing that was remembered counts
        holder = subprocess.Popen(
            [sys.executable, '-c', HOLDER, *map(str, CALLS), str(path)],
            stdout=subprocess.PIPE)
        self.addCleanup(self.release, holder)
        self.holders.append(holder)
        self.assertEqual(holder.stdout.readline(), b'held\n')
        return holder

    @staticmethod
    def release(holder):
        holder.kill()
        holder.wait()
        holder.stdout.close()

    def pool_of(self, name, serve=None, owner=0):
        """A host with a directory of sockets, which is always read."""
        pool = self.host(name) / 'tls-socket'
        pool.mkdir()
        os.chmod(pool, 0o755)
        tenant = self.tenant(pool / 's', serve or self.good)
        if harness.ROOT:
            for path in (pool.parent, pool, pool / 's'):
                os.chown(path, owner, -1)
        return pool, tenant

    def timed(self, name, answer):
        begin = time.monotonic()
        self.assertEqual(self.ask(name), answer, name)
        return time.monotonic() - begin

    def others(self, seconds):
        """The longest wait of another tenant's clients."""
        longest, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            longest = max(longest, self.timed('good.example', b'good'))
        return longest

    def beside(self, name, seconds=2.0):
        """The same while somebody asks for that host all the time."""
        done = threading.Event()

        def visit():
            while not done.wait(0.02):
                self.ask(name)
        visitors = [threading.Thread(target=visit) for _ in range(4)]
        for visitor in visitors:
            visitor.start()
        try:
            return self.others(seconds)
        finally:
            done.set()
            for visitor in visitors:
                visitor.join(30)

    def threads(self):
        task = f'/proc/{held.front(self.daemon)}/task'
        return sorted(int(name) for name in os.listdir(task))


@unittest.skipUnless(harness.ROOT and CALLS, 'needs userfaultfd(2)')
class Held(Case):
    """For ever."""

    def test_own_visitors_are_told_that_it_is_busy(self):
        pool, _ = self.pool_of('evil.example')
        self.start(http=0)
        self.assertEqual(self.ask('evil.example'), b'good')
        holder = self.hold(pool)
        self.assertLess(self.timed('evil.example', alert(80)),
                        PATIENCE + 1)
        self.assertRegex(
            self.daemon.wait_log('refused'),
            'reason=busy .*entry=evil.example')
        self.assertLess(self.beside('evil.example'), WAIT)
        self.release(holder)
        wait_for(lambda: self.ask('evil.example') == b'good')

    def test_a_name_that_is_new(self):
        """The host's own directory: names in it, there and not there."""
        self.start(http=0)
        fresh = self.hosts / '.fresh'
        fresh.mkdir()
        os.chmod(fresh, 0o755)
        self.tenant(fresh / 'tls-socket', self.good)
        os.rename(fresh, self.hosts / 'fresh.example')
        self.hold(self.hosts / 'fresh.example')
        # what is not there was never looked up: it is not in the cache
        self.assertLess(self.timed('fresh.example', alert(80)),
                        PATIENCE + 1)
        self.assertLess(self.beside('fresh.example'), WAIT)

    def test_many_directories_of_one_owner(self):
        """Two threads at most are stuck for him; others' are not."""
        evil = pwd.getpwnam('bin').pw_uid
        good = pwd.getpwnam('daemon').pw_uid
        for i in range(6):
            self.pool_of(f'evil{i}.example', owner=evil)
        self.pool_of('pool.example', owner=good)
        self.start(http=0)
        for i in range(6):
            self.hold(self.hosts / f'evil{i}.example' / 'tls-socket')
        self.together([f'evil{i}.example' for i in range(6)] * 2, alert(80))
        for _ in range(20):
            self.assertLess(self.timed('pool.example', b'good'), WAIT)

    def warm(self):
        """Looked up once; tmpfs keeps no absent names, and only those of a
        directory that has been as it is for a while are remembered."""
        if os.stat(self.hosts).st_dev == os.stat('/dev/shm').st_dev:
            time.sleep(4.1)
        self.assertEqual(self.ask(), b'good')

    def together(self, names, answer):
        results = []

        def one(name):
            results.append((name, self.ask(name)))
        asking = [threading.Thread(target=one, args=(n,)) for n in names]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join(30)
        self.assertEqual(sorted(results),
                         sorted((name, answer) for name in names))

    def test_all_threads_are_stuck(self):
        """By as many tenants: what is in the cache is still served, the
        rest is busy, and all is well again when they let go."""
        names = [f'evil{i}.example' for i in range(THREADS)]
        for i, name in enumerate(names):
            self.pool_of(name, owner=50000 + i)
        self.pool_of('pool.example', owner=60000)
        self.start(http=0)
        self.warm()
        fds = f'/proc/{held.front(self.daemon)}/fd'
        before = len(os.listdir(fds))
        for name in names:
            self.hold(self.hosts / name / 'tls-socket')
        self.together(names, alert(80))
        self.assertLess(self.timed('pool.example', alert(80)), PATIENCE + 1)
        self.assertLess(self.beside('pool.example', 1), WAIT)
        for holder in self.holders:
            self.release(holder)
        wait_for(lambda: self.ask('pool.example') == b'good')
        self.together(names, b'good')
        # what was found too late has been closed
        wait_for(lambda: len(os.listdir(fds)) == before)

    def test_what_is_found_too_late(self):
        """The tenant sees a connection without a byte."""
        heard = []
        pool, tenant = self.pool_of(
            'evil.example', lambda c: heard.append(c.recv(65536)))
        self.start(http=0)
        holder = self.hold(pool)
        self.assertEqual(self.ask('evil.example'), alert(80))
        self.assertEqual(tenant.accepted, 0)
        self.release(holder)
        wait_for(lambda: heard == [b''])

    def test_a_later_request(self):
        """On a kept-alive connection: 503; and one whose client leaves."""
        good = Keeper(lambda asked, number: response('good'))
        self.tenant(self.host('good.example') / 'http-socket', good)
        pool = self.host('evil.example') / 'http-socket'
        pool.mkdir()
        os.chmod(pool, 0o755)
        self.tenant(pool / 's', good)
        self.start(tls=0)
        holder = self.hold(pool)
        for leaves in (False, True):
            talker = Talker(self.daemon.http)
            self.addCleanup(talker.socket.close)
            talker.send(request('good.example'))
            self.assertEqual(talker.answer().body, b'good')
            talker.send(request('evil.example'))
            if leaves:
                time.sleep(0.2)
                talker.socket.close()
            else:
                self.assertEqual(talker.answer().status, 503)
        time.sleep(PATIENCE + 0.2)
        self.release(holder)
        talker = Talker(self.daemon.http)
        self.addCleanup(talker.socket.close)
        talker.send(request('evil.example'))
        self.assertEqual(talker.answer().body, b'good')
        talker.send(request('good.example'))
        self.assertEqual(talker.answer().body, b'good')

    def test_end_with_a_thread_that_is_stuck(self):
        pool, _ = self.pool_of('evil.example')
        self.start('-g', '1', http=0)
        self.hold(pool)
        self.assertEqual(self.ask('evil.example'), alert(80))
        self.assertEqual(self.daemon.stop(signal.SIGTERM, 5), 0)

    def test_end_with_a_thread_that_cannot_be_killed(self):
        """In a look-up of a name: the kernel keeps the front until the lock
        is free, but nobody is kept from its ports."""
        self.start('-g', '1', http=0)
        front = held.front(self.daemon)
        fresh = self.host('fresh.example')
        holder = self.hold(fresh)
        self.assertEqual(self.ask('fresh.example'), alert(80))
        self.daemon.process.send_signal(signal.SIGTERM)

        def closed():
            with socket.socket() as s:
                return s.connect_ex(('127.0.0.1', self.daemon.tls)) != 0
        wait_for(closed, 5)
        wait_for(lambda: not harness.children_of(self.daemon.pid), 5)
        self.assertEqual(self.daemon.process.wait(10), 0)
        self.assertEqual(self.left(front), 1)
        self.release(holder)
        wait_for(lambda: self.left(front) == 0)

    @staticmethod
    def left(pid):
        """Threads beside the first, which may be buried late."""
        with contextlib.suppress(FileNotFoundError):
            return len(os.listdir(f'/proc/{pid}/task')) - 1
        return 0

    def test_a_front_that_dies_with_such_a_thread(self):
        """It is not waited for when it does not end."""
        self.start(http=0)
        front = held.front(self.daemon)
        fresh = self.host('fresh.example')
        holder = self.hold(fresh)
        self.assertEqual(self.ask('fresh.example'), alert(80))
        os.kill(front, signal.SIGKILL)
        self.daemon.wait_log('does not end: going on without it', 30)
        self.assertEqual(self.left(front), 1)
        wait_for(lambda: held.children(self.daemon, 'usherd-front'), 1)
        self.assertEqual(self.ask(), b'good')
        self.release(holder)
        wait_for(lambda: self.left(front) == 0)
        self.assertEqual(self.ask('fresh.example'), alert(112))
        self.assertEqual(self.daemon.stop(), 0)

    def test_children_are_replaced_meanwhile(self):
        pool, _ = self.pool_of('evil.example')
        self.start(http=0)
        self.hold(pool)
        self.assertEqual(self.ask('evil.example'), alert(80))
        for program in ('usherd-tls', 'usherd-relay'):
            old = held.children(self.daemon, program)
            os.kill(old[0], signal.SIGKILL)
            wait_for(lambda: old[0] not in harness.children_of(
                self.daemon.pid))
            wait_for(lambda: self.ask() == b'good')


class Slow(Case):
    """For as long as any user can without more than the scheduler."""

    def test_writers_that_nobody_lets_run(self):
        """It makes no difference whether somebody visits him."""
        pool, _ = self.pool_of('evil.example')
        test_lookup.fill(pool, 1000)
        self.start(http=0)
        idle = ['chrt', '-i', '0']
        for script, how, n in ((WRITER, idle, 6), (WRITER, [], 1),
                               (LISTER, [], 1), (HOG, [], os.cpu_count() - 1)):
            for _ in range(n):
                self.also_run([*how, sys.executable, '-c', script,
                                str(pool)])
        time.sleep(0.5)
        evil = self.beside('evil.example', 3)
        if evil > 0.2:      # is it the machine, then?
            self.assertLess(evil, 3 * self.beside('unknown.example', 3))

    def also_run(self, command):
        child = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)


class Threads(Case):
    def test_rights(self):
        """They have just those of the front, and take no signals."""
        self.start()
        front = held.front(self.daemon)
        status = [harness.status_of(f'{front}/task/{task}')
                  for task in self.threads()]
        self.assertEqual(len(status), 1 + THREADS)
        for key in ('Uid', 'Gid', 'Groups', 'CapInh', 'CapPrm', 'CapEff',
                    'CapBnd', 'CapAmb', 'Seccomp_filters'):
            self.assertEqual(len({s[key] for s in status}), 1, key)
        for one in status:
            self.assertEqual(one['Seccomp'], '2')
            self.assertEqual(one['NoNewPrivs'], '1')
            self.assertEqual(one['Uid'].split()[1],
                             str(pwd.getpwnam(harness.USER).pw_uid)
                             if harness.ROOT else str(os.geteuid()))
        for one in status[1:]:
            blocked = int(one['SigBlk'], 16)
            for number in (signal.SIGTERM, signal.SIGALRM, signal.SIGCHLD):
                self.assertTrue(blocked >> (number - 1) & 1)

    def switches(self):
        front = held.front(self.daemon)
        return sum(int(harness.status_of(
            f'{front}/task/{task}')['voluntary_ctxt_switches'])
            for task in self.threads()[1:])

    def test_what_is_not_there_is_remembered(self):
        """On a file system that does not (tmpfs), and so are the names of a
        directory of sockets: no thread is asked any more; and what is then
        there counts at once."""
        hosts = tempfile.mkdtemp(dir='/dev/shm')
        self.addCleanup(test_lookup.erase, hosts)
        os.chmod(hosts, 0o755)
        self.hosts = self.hosts.__class__(hosts)
        host = self.host('good.example')
        self.tenant(host / 'tls-socket',
                    lambda c: c.sendall(c.recv(65536)[:5]))
        pool, first = self.pool_of('pool.example')
        self.start(http=0)
        before = self.switches()
        plain = wire.hello('good.example')[:5]
        self.assertEqual(self.ask(), plain)
        self.assertGreater(self.switches(), before)
        time.sleep(4.1)             # the directory's times are old
        self.assertEqual(self.ask(), plain)
        self.assertEqual(self.ask('pool.example'), b'good')
        before = self.switches()
        for _ in range(20):
            self.assertEqual(self.ask(), plain)
            self.assertEqual(self.ask('pool.example'), b'good')
        self.assertEqual(self.switches(), before)
        for _ in range(20):
            (host / 'send-proxy-v1').touch()
            self.assertEqual(self.ask(), b'PROXY')
            (host / 'send-proxy-v1').unlink()
            self.assertEqual(self.ask(), plain)
        self.tenant(pool / 's2', lambda c: c.sendall(b'second'))
        (pool / 's').unlink()
        self.assertEqual(self.ask('pool.example'), b'second')


if __name__ == '__main__':
    unittest.main()
