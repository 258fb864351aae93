# SPDX-License-Identifier: ISC
"""What a tenant puts into his directory costs his own visitors something and
nobody else anything; and nobody gets at another's sockets with usherd's
rights."""
import ctypes
import os
import pwd
import socket
import subprocess
import sys
import threading
import time
import unittest

import harness
import held
import wire
from harness import alert

QUICK = os.environ.get('USHER_QUICK') == '1'
# What another tenant's next client may wait.
WAIT = 0.05
# Renames links and writes and reads directories as fast as it can.
MOVER = """
import itertools, os, sys, time
host, end = sys.argv[1], time.monotonic() + float(sys.argv[2])
for i in itertools.count():
    for j in range(64):
        try:
            os.rename(f'{host}/l{j}', f'{host}/m{j}')
            os.rename(f'{host}/m{j}', f'{host}/l{j}')
        except OSError:
            pass
    if time.monotonic() > end:
        break
"""
# Holds the directory's lock for as long as one getdents64(2) of all of it
# takes, again and again, with somebody who wants to write behind it.
READER = """
import ctypes, os, sys, threading, time
path, end = sys.argv[1], time.monotonic() + float(sys.argv[2])
libc = ctypes.CDLL(None)
buffer = ctypes.create_string_buffer(64 << 20)
def write():
    while time.monotonic() < end:
        try:
            open(path + '/.new', 'w').close()
            os.unlink(path + '/.new')
        except OSError:
            pass
threading.Thread(target=write, daemon=True).start()
while time.monotonic() < end:
    fd = os.open(path, os.O_RDONLY)
    if libc.getdents64(fd, buffer, len(buffer)) == -1:
        sys.exit(1)
    os.close(fd)
"""


class Case(harness.Case):
    def setUp(self):
        super().setUp()
        self.tenant(self.host('good.example') / 'tls-socket', self.good)
        self.evil = self.host('evil.example')

    @staticmethod
    def good(connection):
        if connection.recv(65536):
            connection.sendall(b'good')

    def ask(self, name='good.example'):
        return wire.ask(self.daemon.tls, wire.hello(name))[0]

    def pool(self, protocol='tls'):
        path = self.evil / f'{protocol}-socket'
        path.mkdir()
        return path

    def background(self, script, *arguments):
        child = subprocess.Popen([sys.executable, '-c', script, *arguments],
                                 stderr=subprocess.DEVNULL)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        return child

    def cost(self, name, n=200):
        """Seconds of the front's CPU time for a connection."""
        self.ask(name)
        front = held.front(self.daemon)
        before = cpu(front)
        for _ in range(n):
            self.ask(name)
        return (cpu(front) - before) / n


class Bounded(Case):
    """One connection costs a constant, whatever is in its host."""

    def others_wait(self, name, seconds):
        """The longest that a client of another tenant waits while one
        client a while asks for that name."""
        done = threading.Event()

        def visit():
            while not done.wait(0.02):
                self.ask(name)
        visitor = threading.Thread(target=visit)
        visitor.start()
        times, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            start = time.monotonic()
            self.assertEqual(self.ask(), b'good')
            times.append(time.monotonic() - start)
        done.set()
        visitor.join(20)
        times.sort()
        # The machine has others to serve: one in a hundred may be theirs.
        return times[int(len(times) * 0.99)]

    def others_are_spared(self, seconds=2.0):
        """They do not wait for the evil one; on a machine that makes them
        wait anyway, no longer than beside a name that nobody has."""
        waited = self.others_wait('evil.example', seconds)
        if waited >= WAIT:
            self.assertLess(waited, 2 * self.others_wait('no.example',
                                                         seconds))

    def test_chains_of_links_and_a_rename_loop(self):
        """Chains of 36 links of nearly 4 kB each."""
        pool = self.pool()
        for i in range(12):
            for j in range(36):
                step = f'c{i}-{j + 1}' if j < 35 else 'nothing'
                (self.evil / f'c{i}-{j}').symlink_to('./' * 2000 + step)
            (pool / f'l{i}').symlink_to(f'../c{i}-0')
            (self.evil / f'l{i}').symlink_to(f'c{i}-0')
        self.daemon = self.usherd('-j', '1', http=0)
        self.background(MOVER, str(self.evil), '4')
        self.others_are_spared()
        self.assertEqual(self.ask('evil.example'), alert(80))
        self.assertIn('link-loop', self.daemon.wait_log('evil.example'))

    def test_links_of_links(self):
        """As many and as long as may be: each costs its nine names."""
        pool = self.pool()
        deep = self.evil / 'a' / 'b' / 'c'
        deep.mkdir(parents=True)
        for i in range(64):
            (pool / f'l{i}').symlink_to(f'../a/b/c/m{i}')
            (deep / f'm{i}').symlink_to(f'../../../a/b/c/n{i}')
            dead(deep / f'n{i}')
        self.daemon = self.usherd('-j', '1', http=0)
        self.others_are_spared()
        self.assertLess(self.cost('evil.example'), 0.002)

    def test_dead_sockets(self):
        """A directory of 64 dead ones costs little more than one of 8."""
        pool = self.pool()
        for i in range(64):
            dead(pool / f's{i}')
        self.daemon = self.usherd('-j', '1', http=0)
        many = self.cost('evil.example', 400)
        self.assertEqual(self.ask('evil.example'), alert(80))
        for entry in list((self.evil / 'tls-socket').iterdir())[8:]:
            entry.unlink()
        few = self.cost('evil.example', 400)
        self.assertLess(many, few * 2 + 0.0003)

    def test_large_directories_with_a_writer(self):
        """A directory of 300,000 entries whose lock is held: it is not
        looked into, be it the host's own or one of sockets."""
        pool = self.pool()
        fill(pool, 300000 if not QUICK else 30000)
        self.daemon = self.usherd('-j', '1', http=0)
        reader = self.background(READER, str(pool), '4')
        self.others_are_spared()
        self.assertIn(reader.poll(), (None, 0))
        self.assertEqual(self.ask('evil.example'), alert(80))
        self.assertRegex(self.daemon.wait_log('evil.example'),
                         'reason=directory-large .*at=evil.example/tls-socke')
        pool.rename(self.hosts / 'large.example')
        self.assertEqual(self.ask('large.example'), alert(80))
        (self.host('other.example') / 'tls-socket').symlink_to(
            '../large.example/f1')
        self.assertEqual(self.ask('other.example'), alert(80))
        for name in ('large', 'other'):
            self.assertIn('directory-large',
                          self.daemon.wait_log(f'{name}.example'))
        erase(self.hosts / 'large.example')

    def test_a_host_that_is_never_the_same(self):
        """A host's link that is turned at once and for ever, and leads to
        nothing that listens: its client is told that it is busy."""
        for i in range(2):
            dead(self.host(f'.evil-{i}') / 'tls-socket')
        self.evil.rmdir()
        self.daemon = self.usherd('-j', '1', http=0)
        script = ('import os, sys, time\nos.chdir(sys.argv[1])\n'
                  'end = time.monotonic() + 6\ni = 0\n'
                  'while time.monotonic() < end:\n    i += 1\n'
                  '    os.symlink(f".evil-{i % 2}", ".next")\n'
                  '    os.rename(".next", "evil.example")\n')
        self.background(script, str(self.hosts))
        harness.wait_for((self.hosts / 'evil.example').is_symlink)
        for _ in range(4):
            start = time.monotonic()
            self.assertEqual(self.ask('evil.example'), alert(80))
            self.assertLess(time.monotonic() - start, 3)
        self.daemon.wait_log('reason=(busy|refused) ')
        self.others_are_spared(1)


def dead(path):
    """A socket on which nobody listens."""
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))
    os.chmod(path, 0o666)


def cpu(pid):
    """Seconds of CPU time that a process has used, to the nanosecond."""
    with open(f'/proc/{pid}/schedstat') as f:
        return int(f.read().split()[0]) / 1e9


def fill(path, n):
    """Hard links are quicker made than files."""
    libc = ctypes.CDLL(None, use_errno=True)
    (path / 'f').touch()
    cwd = os.open('.', os.O_RDONLY)
    os.chdir(path)
    source = b'f'
    for i in range(n):
        if libc.link(source, b'f%d' % i) == -1:
            source = b'g%d' % i         # as many links as there may be
            open(source, 'w').close()
            libc.link(source, b'f%d' % i)
    os.fchdir(cwd)
    os.close(cwd)


def erase(path):
    subprocess.run(['rm', '-rf', path], check=True)


@unittest.skipUnless(harness.ROOT, 'needs other users')
class Foreign(Case):
    """A link that leaves its host's directory opens nothing for usherd that
    its owner does not own."""

    def setUp(self):
        super().setUp()
        self.daemon = self.usherd('-j', '1', http=0)
        users = [pwd.getpwnam(name) for name in ('daemon', 'bin')]
        self.alice, self.bob = (user.pw_uid for user in users)
        os.chown(self.evil, self.bob, -1)
        host = self.host('alice.example')
        os.chown(host, self.alice, -1)
        self.admin = self.tenant(host / 'admin.sock', self.good)
        os.chown(host / 'admin.sock', self.alice,
                 pwd.getpwnam(harness.USER).pw_gid)
        os.chmod(host / 'admin.sock', 0o660)
        self.pool = host / 'pool'
        self.pool.mkdir()
        os.chown(self.pool, self.alice, -1)
        inside = self.tenant(self.pool / 's', self.good)
        os.chown(self.pool / 's', self.alice, -1)
        self.tenants = [self.admin, inside]

    def link(self, path, target, owner):
        path.unlink(missing_ok=True)
        path.symlink_to(target)
        os.lchown(path, owner, -1)

    def refused(self, name='evil.example', reason='link-foreign'):
        after = len(self.daemon.log_lines)
        before = [t.accepted for t in self.tenants]
        self.assertEqual(self.ask(name), alert(80))
        self.assertIn(f' reason={reason} ',
                      self.daemon.wait_log('refused', after=after))
        self.assertEqual([t.accepted for t in self.tenants], before)

    def test_to_anothers_socket(self):
        for target in ('../alice.example/admin.sock',
                       '../alice.example/pool',
                       '../alice.example/pool/s'):
            with self.subTest(target):
                self.link(self.evil / 'tls-socket', target, self.bob)
                self.refused()

    def test_in_a_directory_of_sockets(self):
        (self.evil / 'tls-socket').mkdir()
        os.chmod(self.evil / 'tls-socket', 0o755)
        self.link(self.evil / 'tls-socket' / 'x',
                  '../../alice.example/admin.sock', self.bob)
        self.refused()

    def test_by_way_of_a_second_link(self):
        self.link(self.evil / 'tls-socket', 'second', self.bob)
        self.link(self.evil / 'second', '../alice.example/admin.sock',
                  self.bob)
        self.refused()
        # also where the second is one of hers
        self.link(self.hosts / 'alice.example' / 'link', 'admin.sock',
                  self.alice)
        self.link(self.evil / 'tls-socket', '../alice.example/link',
                  self.bob)
        self.refused()

    def test_hard_link(self):
        """Where the system lets users make them."""
        os.link(self.hosts / 'alice.example' / 'admin.sock',
                self.evil / 'tls-socket')
        self.refused()

    def test_of_a_host(self):
        """Bob's name for a directory of hers."""
        (self.pool / 's').rename(self.pool / 'tls-socket')
        os.chmod(self.hosts, 0o1777)
        self.link(self.hosts / 'bob.example', 'alice.example/pool', self.bob)
        self.refused('bob.example')

    def test_those_that_count(self):
        """root's, those of the owner of hosts/, and those to one's own."""
        for owner in (0, self.alice):
            self.link(self.evil / 'tls-socket',
                      '../alice.example/admin.sock', owner)
            self.assertEqual(self.ask('evil.example'), b'good', owner)
        os.chown(self.hosts, self.bob, -1)
        self.link(self.evil / 'tls-socket', '../alice.example/admin.sock',
                  self.bob)
        self.assertEqual(self.ask('evil.example'), b'good')
        os.chown(self.hosts, 0, -1)
        # within the host's own directory anybody's
        (self.evil / 'tls-socket').unlink()
        self.tenants.append(self.tenant(self.evil / 'v1.sock', self.good))
        self.link(self.evil / 'tls-socket', 'v1.sock', self.alice)
        self.assertEqual(self.ask('evil.example'), b'good')


class Shared(Case):
    """hosts/ in which others may create names."""

    def test_refused_at_the_start(self):
        for mode in (0o775, 0o757, 0o777):
            os.chmod(self.hosts, mode)
            daemon = harness.Usherd(self.hosts, '-j', '1')
            self.addCleanup(daemon.stop, 9)
            self.assertEqual(daemon.process.wait(10), 1)
            daemon.reader.join(5)
            self.assertIn('chmod', daemon.log())
        os.chmod(self.hosts, 0o755)

    def test_looked_at_again(self):
        """Made writable later on, it is not trusted any more."""
        self.daemon = self.usherd('-j', '1', http=0)
        for mode in (0o775, 0o777):
            os.chmod(self.hosts, mode)
            self.assertEqual(self.ask(), alert(80))
            self.assertIn('reason=hosts-writable',
                          self.daemon.wait_log('refused'))
            os.chmod(self.hosts, 0o755)
            self.assertEqual(self.ask(), b'good')
        os.chmod(self.hosts, 0o1777)
        self.assertEqual(self.ask(), b'good')
        os.chmod(self.hosts, 0o755)

    @unittest.skipUnless(harness.ROOT, 'needs other users')
    def test_a_name_taken_out_of_a_wildcard(self):
        """_.good.example is the administrator's; a tenant of whom it does
        not lead to takes no name out of it, whatever he makes there."""
        bob = pwd.getpwnam('bin').pw_uid
        alice = pwd.getpwnam('daemon').pw_uid
        os.chmod(self.hosts, 0o1777)
        os.chown(self.hosts / 'good.example', alice, -1)
        (self.hosts / '_.good.example').symlink_to('good.example')
        self.daemon = self.usherd('-j', '1', http=0)
        self.assertEqual(self.ask('login.good.example'), b'good')
        taken = self.host('login.good.example')
        self.tenant(taken / 'tls-socket', lambda c: c.sendall(b'mine'))
        for owner, answer in ((bob, b'good'), (alice, b'mine'),
                              (0, b'mine')):
            os.chown(taken, owner, -1)
            self.assertEqual(self.ask('login.good.example'), answer, owner)
        os.chown(taken, bob, -1)
        os.chmod(taken, 0)          # nor by what cannot be looked into
        self.assertEqual(self.ask('login.good.example'), b'good')
        erase(taken)
        taken.symlink_to('login.good.example')
        os.lchown(taken, bob, -1)
        self.assertEqual(self.ask('login.good.example'), b'good')
        # nor while the wildcard leads nowhere, or where nobody may look
        erase(taken)
        taken.mkdir()
        self.tenant(taken / 'tls-socket', lambda c: c.sendall(b'mine'))
        os.chown(taken, bob, -1)
        for target in ('nowhere', '../outside', '_.good.example'):
            (self.hosts / '_.good.example').unlink()
            (self.hosts / '_.good.example').symlink_to(target)
            self.assertIn(self.ask('login.good.example'),
                          (alert(80), alert(112)), target)
        # names that no wildcard stands for are first come, first served
        self.evil.rename(self.hosts / 'bob.example')
        os.chown(self.hosts / 'bob.example', bob, -1)
        self.tenant(self.hosts / 'bob.example' / 'tls-socket',
                    lambda c: c.sendall(b'bob'))
        self.assertEqual(self.ask('bob.example'), b'bob')

    def test_removed(self):
        """hosts/ is the directory that it was at the start; when it goes,
        one line says so."""
        self.daemon = self.usherd('-j', '1', http=0)
        self.assertIn('stays in use', self.daemon.wait_log('hosts direct'))
        aside = self.hosts.with_name('aside')
        self.hosts.rename(aside)
        self.hosts.mkdir()
        self.assertEqual(self.ask(), b'good')
        erase(aside)
        for _ in range(3):
            self.assertEqual(self.ask(), alert(80))
        self.assertEqual(self.daemon.said().count('has been removed'), 1)
        self.assertIn('reason=hosts-removed', self.daemon.log())


if __name__ == '__main__':
    unittest.main()
