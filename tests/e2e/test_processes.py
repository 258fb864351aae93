# SPDX-License-Identifier: ISC
"""What /proc says of the running daemon's processes, and what others may do
to them."""
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys

import harness
import held
from harness import ROOT, status_of, wait_for

CAP_KILL, CAP_SETGID, CAP_SETUID = 1 << 5, 1 << 6, 1 << 7
CAP_SYS_CHROOT = 1 << 18
NULL = '/dev/null'

# Run by the user of the children, outside: what a local attacker would try.
# Prints the name of each thing that worked.
INTRUDER = r'''
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
pid = int(sys.argv[1])
PIDFD_OPEN, PIDFD_GETFD, PTRACE_ATTACH, PTRACE_DETACH = 434, 438, 16, 17
if libc.ptrace(PTRACE_ATTACH, pid, None, None) == 0:
    print('ptrace')
    os.waitpid(pid, 0x40000000)
    libc.ptrace(PTRACE_DETACH, pid, None, None)
for name in ('mem', 'environ', 'maps'):
    try:
        open('/proc/%d/%s' % (pid, name), 'rb').close()
        print(name)
    except OSError:
        pass
try:
    os.listdir('/proc/%d/fd' % pid)
    print('fd')
except OSError:
    pass
pidfd = libc.syscall(PIDFD_OPEN, pid, 0)
if pidfd >= 0 and libc.syscall(PIDFD_GETFD, pidfd, 3, 0) >= 0:
    print('pidfd_getfd')
class Iovec(ctypes.Structure):
    _fields_ = [('base', ctypes.c_void_p), ('size', ctypes.c_size_t)]
here = ctypes.create_string_buffer(8)
local = Iovec(ctypes.addressof(here), 1)
if libc.process_vm_readv(pid, ctypes.byref(local), 1, ctypes.byref(local), 1,
                         0) >= 0 or ctypes.get_errno() != 1:
    print('process_vm_readv')
'''


def open_files(pid):
    """Descriptor number to what it leads to; needs root."""
    table = {}
    for number in os.listdir(f'/proc/{pid}/fd'):
        with contextlib.suppress(FileNotFoundError):
            table[int(number)] = os.readlink(f'/proc/{pid}/fd/{number}')
    return table


def ids(status, kind):
    return [int(word) for word in status[kind].split()]


def capabilities(status, kind):
    return int(status[kind].strip(), 16)


def as_user(name, *command):
    user = pwd.getpwnam(name)
    return ['setpriv', f'--reuid={user.pw_uid}', f'--regid={user.pw_gid}',
            '--clear-groups', '--inh-caps=-all', *command]


class Base(harness.Case):
    """The shipped programs, started by whoever runs the tests."""

    user = harness.USER

    def start(self):
        return self.usherd('-j', '2')

    def daemon_and_children(self):
        daemon = self.start()
        children = held.ready_children(daemon, 8)
        return daemon, children


class Outside:
    """What everybody may see."""

    def test_every_process_has_a_filter(self):
        """Seccomp 2, NoNewPrivs 1; two filters, what is allowed and what is
        forbidden, and a child has its own beside the parent's."""
        daemon, children = self.daemon_and_children()
        for pid in [daemon.pid, *children]:
            status = status_of(pid)
            self.assertEqual(status['Seccomp'].strip(), '2')
            self.assertEqual(status['NoNewPrivs'].strip(), '1')
        for pid in [daemon.pid, *children]:
            eyes = held.program_of(pid) in ('usherd-tls', 'usherd-http')
            self.assertEqual(
                status_of(pid)['Seccomp_filters'].strip(),
                '2' if pid == daemon.pid else '3' if eyes else '4')

    def test_kinds(self):
        """Two parsers and two relays a protocol, each its own program."""
        _, children = self.daemon_and_children()
        self.assertEqual(sorted(map(held.program_of, children)),
                         ['usherd-http'] * 2 + ['usherd-relay'] * 4 +
                         ['usherd-tls'] * 2)

    def test_names_for_people(self):
        """ps and top call each process by its program."""
        daemon, children = self.daemon_and_children()
        for pid in [daemon.pid, *children]:
            self.assertEqual(status_of(pid)['Name'], held.program_of(pid))

    def test_children_have_no_capability(self):
        _, children = self.daemon_and_children()
        for pid in children:
            status = status_of(pid)
            for kind in ('CapInh', 'CapPrm', 'CapEff', 'CapAmb'):
                self.assertEqual(capabilities(status, kind), 0, kind)

    def test_launcher_has_what_it_makes_and_ends_children_with(self):
        daemon, _ = self.daemon_and_children()
        status = status_of(daemon.pid)
        most = 0
        if ids(status, 'Uid')[0] == 0:
            most = CAP_KILL | CAP_SETGID | CAP_SETUID | CAP_SYS_CHROOT
        for kind in ('CapInh', 'CapPrm', 'CapEff', 'CapAmb'):
            self.assertEqual(capabilities(status, kind) & ~most, 0, kind)

    def test_children_are_another_user(self):
        """All four ids are those of the unprivileged user."""
        user = pwd.getpwnam(self.user)
        _, children = self.daemon_and_children()
        for pid in children:
            status = status_of(pid)
            self.assertEqual(ids(status, 'Uid'), [user.pw_uid] * 4)
            self.assertEqual(ids(status, 'Gid'), [user.pw_gid] * 4)

    def test_limits(self):
        """RLIMIT_CORE, FSIZE, NPROC 0; NOFILE what its table needs."""
        _, children = self.daemon_and_children()
        for pid in children:
            limits = held.limits(pid)
            for what in ('Max core file size', 'Max file size',
                         'Max processes'):
                self.assertEqual(limits[what], ('0', '0'), what)
            soft, hard = map(int, limits['Max open files'])
            self.assertEqual(soft, hard)
            self.assertLess(soft, 65536 * 6 + 45)

    def test_killed_parent_leaves_nobody(self):
        """kill -9 parent: no process of ours after 1 s, ports free."""
        daemon, children = self.daemon_and_children()
        daemon.process.kill()
        daemon.process.wait()
        held.wait_gone(children, 1)
        with self.assertRaises(ConnectionRefusedError):
            held.Held(daemon.tls)

    def test_stopped_children_are_left_by_no_parent(self):
        """The same when a child cannot notice by itself."""
        daemon, children = self.daemon_and_children()
        os.kill(daemon.pid, signal.SIGSTOP)     # or it would replace it
        os.kill(children[0], signal.SIGSTOP)
        daemon.process.kill()
        daemon.process.wait()
        held.wait_gone(children, 1)


class Inside:
    """What only root may see."""

    def test_children_have_no_groups(self):
        _, children = self.daemon_and_children()
        for pid in children:
            self.assertEqual(status_of(pid)['Groups'].strip(), '')

    def test_children_live_in_an_empty_directory(self):
        """Root and working directory: empty, and removed, so it stays so."""
        _, children = self.daemon_and_children()
        for pid in children:
            for what in ('root', 'cwd'):
                self.assertEqual(os.listdir(f'/proc/{pid}/{what}/'), [])
                link = os.readlink(f'/proc/{pid}/{what}')
                self.assertRegex(link, r' \(deleted\)$')

    def test_descriptors_of_children(self):
        """0, 1, 2 null; 3 socket; 4 pipe; the loop's; the numbers of the
        parent's keys null; nothing else."""
        _, children = self.daemon_and_children()
        for pid in children:
            table = open_files(pid)
            self.assertEqual([table.pop(n) for n in (0, 1, 2)], [NULL] * 3)
            self.assertRegex(table.pop(3), '^socket:')
            self.assertRegex(table.pop(4), '^pipe:')
            self.assertEqual(table.pop(5), 'anon_inode:[eventpoll]')
            for number in (6, 7):       # libevent's, for signals
                self.assertRegex(table.pop(number), '^(pipe|socket):')
            self.assertEqual(table, dict.fromkeys(range(500, 512), NULL))

    def test_descriptors_after_a_connection(self):
        """Nothing of a connection is left in any process."""
        self.tenant(self.host('a.example') / 'tls-socket',
                    harness.echo_server)
        daemon, children = self.daemon_and_children()
        before = {pid: open_files(pid) for pid in [daemon.pid, *children]}
        held.hold(self, daemon.tls)[0].close()
        wait_for(lambda: before == {pid: open_files(pid)
                                    for pid in [daemon.pid, *children]}, 5)

    def test_parent_has_no_place_for_foreign_descriptors_to_be_read(self):
        """Every number below 512 is taken, none above it when idle."""
        daemon, _ = self.daemon_and_children()
        self.assertEqual(sorted(open_files(daemon.pid)), list(range(512)))


class Started(Outside, Base):
    """By whoever runs the tests."""


@harness.unittest.skipUnless(ROOT, 'only root sees into these processes')
class StartedSeenByRoot(Inside, Base):
    """By root."""

    def intrude(self, pid):
        done = subprocess.run(
            as_user(self.user, sys.executable, '-c', INTRUDER, str(pid)),
            capture_output=True, text=True)
        self.assertEqual(done.stderr, '')
        return done.stdout.split()

    def test_same_user_outside(self):
        """A process of the same user cannot trace or read one of ours, nor
        take its descriptors."""
        daemon, children = self.daemon_and_children()
        for pid in [daemon.pid, *children]:
            self.assertEqual(self.intrude(pid), [], held.program_of(pid))

    def test_same_user_outside_gets_at_others(self):
        """The attempts above would show, were there a way."""
        other = subprocess.Popen(as_user(self.user, 'sleep', '60'))
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        wait_for(lambda: held.program_of(other.pid) == 'sleep')
        self.assertIn('fd', self.intrude(other.pid))


@harness.unittest.skipUnless(ROOT, 'only root can start it as another user')
class StartedByPlainUser(Outside, Inside, Base):
    """By a plain user, who has the chroot from a user namespace."""

    user = 'nobody'

    def start(self):
        if subprocess.run(as_user(self.user, 'unshare', '-U', 'true'),
                          capture_output=True).returncode != 0:
            self.skipTest('plain users may not have user namespaces here')
        programs = self.scratch / 'programs'
        if not programs.exists():
            programs.mkdir(mode=0o755)
            for name in ('usherd', 'usherd-tls', 'usherd-http',
                         'usherd-relay'):
                shutil.copy(harness.BUILD / name, programs)
        return self.usherd(command=as_user(
            self.user, str(programs / 'usherd'), '-d', str(self.hosts),
            '-j', '2', '-t', '127.0.0.1:0', '-p', '127.0.0.1:0'))


if __name__ == '__main__':
    harness.unittest.main()
