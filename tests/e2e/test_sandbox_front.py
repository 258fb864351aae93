# SPDX-License-Identifier: ISC
"""The front's sandbox, without a front around it.

build/tests/try/front-alone makes the descriptors and threads that a front
has, enters its sandbox, and does one attack of tests/sandbox/attacks.c, or
what is allowed.
"""
import ctypes
import re
import signal
import socket
import subprocess

import harness
import held

ALONE = harness.BUILD / 'tests' / 'try' / 'front-alone'
TABLE = harness.TOP / 'tests' / 'sandbox' / 'attacks.c'
LANDLOCK_CREATE_RULESET, MSEAL = 444, 462


def kernel(number, *arguments):
    """What a system call gives that has no name in Python."""
    return ctypes.CDLL(None).syscall(number, *arguments)


def attacks():
    """Names of those that the front shall try."""
    return [name for name, roles in re.findall(
        r'\{\s*"([^"]+)",\s*([A-Z_ |]+),', TABLE.read_text())
        if 'KEYS' in roles]


@harness.unittest.skipUnless(ALONE.exists(), 'build/tests/try is not built')
class Alone(harness.Case):
    """The front's filter kills who tries this:"""

    def attempt(self, name):
        with socket.socket(socket.AF_UNIX) as tenant:
            tenant.bind(str(self.hosts / 'socket'))
            tenant.listen(500)
            return subprocess.run(
                [ALONE, self.hosts, name], stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE, text=True, timeout=10, check=False)

    def killed(self, name):
        done = self.attempt(name)
        self.assertEqual(done.returncode, -signal.SIGSYS, done.stderr)

    def test_rights_are_left(self):
        """Looking, listing, connecting from nine threads, writing; and the
        pages of constants stay where the kernel can see to that."""
        done = self.attempt('rights')
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_no_attack_is_no_death(self):
        done = self.attempt('nothing')
        self.assertEqual(done.returncode, 1)
        self.assertIn('no such attack', done.stderr)


@harness.unittest.skipUnless(kernel(LANDLOCK_CREATE_RULESET, None, 0, 1) >= 6,
                             'no Landlock, or not all that is used of it')
class Landlock(harness.Case):
    """What Landlock leaves where no filter is: for the front, reading
    directories below hosts/ and, which it does not know of, connecting to a
    path; for other children nothing that has to do with files."""

    def left(self, *mode):
        name = f'usherd-test-{self.hosts.parent.name}'
        with socket.socket(socket.AF_UNIX) as tenant, \
                socket.socket(socket.AF_UNIX) as stranger:
            tenant.bind(str(self.hosts / 'socket'))
            tenant.listen(5)
            stranger.bind('\0' + name)
            stranger.listen(5)
            return subprocess.run(
                [ALONE.with_name('landlock-alone'), self.hosts, name, *mode],
                stdout=subprocess.PIPE, text=True, timeout=10,
                check=True).stdout.split()

    def test_front(self):
        self.assertEqual(self.left(), ['list', 'connect'])

    def test_others(self):
        left = self.left('all')
        if kernel(LANDLOCK_CREATE_RULESET, None, 0, 1) >= 9:
            self.assertEqual(left, [])
        else:
            self.assertEqual(left, ['connect'])


@harness.unittest.skipUnless((harness.BUILD / 'usherd').exists(), 'no usherd')
class Name(harness.unittest.TestCase):
    """What -V says of the sandbox is what this kernel has."""

    def said(self):
        return re.search(r'^sandbox: (.*)$', subprocess.run(
            [harness.BUILD / 'usherd', '-V'], stdout=subprocess.PIPE,
            text=True, check=True).stdout, re.MULTILINE)[1]

    def test_landlock(self):
        abi = kernel(LANDLOCK_CREATE_RULESET, None, 0, 1)
        if abi <= 0:
            self.assertIn('no landlock here', self.said())
            return
        reach = 'file system'
        if abi >= 6:
            reach += ', signals, abstract sockets'
        self.assertIn(f'landlock ABI {abi} ({reach})', self.said())

    def test_mseal(self):
        self.assertIn(', mseal,' if kernel(MSEAL, 0, 0, 0) == 0 else
                      ', no mseal here,', self.said())

    def test_children(self):
        self.assertTrue(self.said().endswith(
            'static children' if held.as_shipped() else 'dynamic children'))


def add(name):
    def test(self):
        self.killed(name)
    test.__doc__ = f'{Alone.__doc__} {name}'
    setattr(Alone, 'test_' + name.replace('-', '_'), test)


for _name in attacks():
    add(_name)


if __name__ == '__main__':
    harness.unittest.main()
