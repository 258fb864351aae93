# SPDX-License-Identifier: ISC
"""A start is tried before it is made: what a container or a hardened service
takes away is named, in one line, or done without; -n does all of it."""
import contextlib
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import unittest

import harness
import held
import wire
from harness import ROOT, wait_for

USHERD = str(harness.BUILD / 'usherd')
# A filter that lets one system call fail, as a service manager's would.
DENY = '''
import ctypes, os, struct, sys
call, error = int(sys.argv[1]), int(sys.argv[2])
code = ((0x20, 0, 0, 0), (0x15, 0, 1, call), (6, 0, 0, 0x50000 | error),
        (6, 0, 0, 0x7fff0000))
program = ctypes.create_string_buffer(
    b''.join(struct.pack('HBBI', *line) for line in code))
header = ctypes.create_string_buffer(
    struct.pack('HxxxxxxQ', len(code), ctypes.addressof(program)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0          # PR_SET_NO_NEW_PRIVS
assert libc.prctl(22, 2, header, 0, 0) == 0     # PR_SET_SECCOMP
os.execvp(sys.argv[3], sys.argv[3:])
'''
OPENAT2, CLOSE_RANGE = 437, 436
SECCOMP = {'x86_64': 317, 'aarch64': 277}.get(os.uname().machine)
EPERM, ENOSYS = 1, 38


class Case(harness.Case):
    def setUp(self):
        super().setUp()
        self.tenant(self.host('a.example') / 'http-socket',
                    harness.http_server('reached'))

    def words(self, *options):
        user = [] if not ROOT else ['-u', harness.USER]
        return [USHERD, '-d', str(self.hosts), '-p', '127.0.0.1:0', *user,
                *options]

    def tried(self, *before, options=(), **how):
        """usherd -n, started by these words; (status, stderr)."""
        done = subprocess.run(
            [*before, *self.words('-n', *options)], capture_output=True,
            text=True, timeout=20, stdin=subprocess.DEVNULL, **how)
        return done.returncode, done.stderr

    def refused(self, says, *before, **how):
        status, said = self.tried(*before, **how)
        self.assertEqual((status, said.count('\n')), (1, 1), said)
        self.assertRegex(said, says)

    def serves(self, *before, **how):
        """Started so, it serves."""
        daemon = harness.Usherd(self.hosts,
                                command=[*before, *self.words()], **how)
        self.addCleanup(daemon.stop, signal.SIGKILL)
        daemon.start(1)
        self.assertIn(b'reached', wire.ask(daemon.http, wire.head())[0])
        return daemon

    @staticmethod
    def without(call, error):
        return [sys.executable, '-c', DENY, str(call), str(error)]


class Dry(Case):
    def test_all_is_well(self):
        status, said = self.tried()
        self.assertEqual(status, 0, said)
        self.assertIn('ready to serve', said)

    def test_the_last_line_is_written(self):
        """However soon the launcher ends after it."""
        for _ in range(10):
            self.assertIn('ready to serve', self.tried()[1])

    def test_the_long_option(self):
        done = subprocess.run([*self.words('--dry-run')], timeout=20,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_beside_one_that_runs(self):
        """Its ports are in use, which is no reason to fail."""
        daemon = self.usherd('-j', '1')
        status, said = self.tried(
            options=['-t', f'127.0.0.1:{daemon.tls}'])
        self.assertEqual(status, 0, said)
        self.assertIn('in use now', said)
        self.assertIn(b'reached', wire.ask(daemon.http, wire.head())[0])

    def test_accepts_nobody(self):
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            port = free.getsockname()[1]
        self.tried(options=['-t', f'127.0.0.1:{port}'])
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(('127.0.0.1', port))


class Denied(Case):
    def test_openat2(self):
        """RestrictSUIDSGID=yes hides it."""
        self.refused('openat2.*RestrictSUIDSGID',
                     *self.without(OPENAT2, ENOSYS))

    @unittest.skipUnless(SECCOMP, 'the number of seccomp(2) is not known')
    def test_seccomp(self):
        """Was told as 'out of memory'."""
        self.refused('seccomp.*SystemCallFilter',
                     *self.without(SECCOMP, EPERM))

    def test_close_range(self):
        """Before Linux 5.11, and where an old container runtime denies it."""
        for error in (ENOSYS, EPERM):
            self.serves(*self.without(CLOSE_RANGE, error))

    @unittest.skipUnless(ROOT, 'root enters every directory')
    def test_hosts_that_cannot_be_entered(self):
        os.chmod(self.hosts, 0o700)
        self.refused(r'search permission \(x\)')

    @unittest.skipUnless(ROOT, 'only root has capabilities')
    def test_capabilities(self):
        for name in ('setuid', 'setgid', 'sys_chroot', 'kill'):
            self.refused(f'CAP_{name.upper()}', 'setpriv',
                         '--bounding-set', f'-{name}', '--inh-caps',
                         f'-{name}')

    @unittest.skipIf(ROOT, 'root may bind every port')
    def test_a_low_port(self):
        with open('/proc/sys/net/ipv4/ip_unprivileged_port_start') as f:
            if int(f.read()) < 1024:
                self.skipTest('every user may bind it here')
        self.refused('root, CAP_NET_BIND_SERVICE, or a socket from the '
                     'service manager', options=['-t', '127.0.0.1:443'])


@unittest.skipUnless(ROOT, 'needs mount namespaces')
class Mounts(Case):
    def inside(self, script):
        """Words that begin a process with this done to its mounts."""
        return ['unshare', '-m', 'sh', '-c', f'{script}; exec "$@"', 'sh']

    def test_tmp_that_cannot_be_written(self):
        self.serves(*self.inside('mount --bind /tmp /tmp && '
                                 'mount -o remount,ro,bind /tmp'))

    def test_no_place_anywhere(self):
        places = ' '.join(('/run', '/var/tmp', '/dev/shm'))
        status, said = self.tried(*self.inside(
            f'for d in {places}; do mount -t tmpfs -o ro none $d; done; '
            # hosts/ is below /tmp, so /tmp stays and becomes read-only
            'mount --bind /tmp /tmp && mount -o remount,ro,bind /tmp'))
        self.assertEqual(status, 1, said)
        self.assertIn('no place for an empty directory', said)

    def test_service_directory(self):
        """What systemd gives by RuntimeDirectory= will do."""
        self.serves(*self.inside(
            'for d in /run /var/tmp /dev/shm; do '
            'mount -t tmpfs -o ro none $d; done; '
            'mount -t tmpfs none /mnt && mount --bind /tmp /tmp && '
            'mount -o remount,ro,bind /tmp'),
            env=dict(os.environ, RUNTIME_DIRECTORY='/mnt'))

    @unittest.skipUnless(held.as_shipped(), 'a sanitizer wants /proc, too')
    def test_no_proc(self):
        self.refused('/proc is not mounted',
                     *self.inside('mount -t tmpfs none /proc'))

    def test_others_hidden(self):
        self.serves(*self.inside('mount -t proc -o hidepid=2 none /proc'))

    def test_hosts_that_is_read_only(self):
        self.serves(*self.inside(
            f'mount --bind {self.hosts} {self.hosts} && '
            f'mount -o remount,ro,bind {self.hosts}'))


class Traces(Case):
    @unittest.skipUnless(shutil.which('strace'), 'strace is not installed')
    def test_a_signal_in_between(self):
        """The directory that becomes the root of children is there for a
        moment, and is not left there by whoever ends us then."""
        def left():
            return {name for name in os.listdir('/tmp')
                    if name.startswith('usherd.')}
        before = left()
        tracer = subprocess.Popen(
            ['strace', '-qq', '-o', '/dev/null', '-e', 'trace=fchmod', '-e',
             'inject=fchmod:delay_enter=500000', *self.words('-n')],
            stderr=subprocess.DEVNULL)
        self.addCleanup(tracer.wait)
        self.addCleanup(tracer.kill)
        mine = wait_for(lambda: left() - before)
        traced, = harness.children_of(tracer.pid)
        os.kill(traced, signal.SIGTERM)
        tracer.wait(10)
        self.assertFalse(mine & left())


class Inherited(Case):
    def far(self):
        """A descriptor above the soft limit on open files."""
        number = 3000
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard <= number:
            self.skipTest('the limit on open files is too low')
        resource.setrlimit(resource.RLIMIT_NOFILE, (number + 1, hard))
        try:
            end, other = os.pipe()
            os.dup2(end, number)
            for fd in (end, other):
                os.close(fd)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        self.addCleanup(os.close, number)
        return number

    def test_above_the_soft_limit(self):
        """No child of ours gets it, however high its number."""
        number = self.far()
        os.set_inheritable(number, True)

        def lower():
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
        daemon = self.serves(preexec=lower, pass_fds=(number,))
        with contextlib.suppress(PermissionError):
            for child in daemon.children():
                self.assertNotIn(str(number), os.listdir(f'/proc/{child}/fd'))
            self.assertIn(str(number), os.listdir(f'/proc/{daemon.pid}/fd'))

    @unittest.skipUnless(held.as_shipped(), 'a sanitizer is preloaded first')
    def test_huge_limits(self):
        """Nothing is done for each number that there might be."""
        library = self.hosts.parent / 'huge.so'
        source = library.with_suffix('.c')
        source.write_text('int getdtablesize(void) { return 1073741816; }\n')
        subprocess.run(['cc', '-shared', '-fPIC', '-o', library, source],
                       check=True)
        daemon = self.serves(env=dict(os.environ, LD_PRELOAD=str(library)))
        with open(f'/proc/{daemon.pid}/stat') as f:
            fields = f.read().rsplit(')', 1)[1].split()
        self.assertLess(int(fields[11]) + int(fields[12]), 100)

    def test_none_of_stdio(self):
        """Descriptors 0 to 2 are closed: nothing else gets their numbers."""
        def closed():
            for fd in range(3):
                with contextlib.suppress(OSError):
                    os.close(fd)
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            port = free.getsockname()[1]
        words = self.words()
        words[words.index('127.0.0.1:0')] = f'127.0.0.1:{port}'
        process = subprocess.Popen(words, preexec_fn=closed)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

        def answer():
            with contextlib.suppress(ConnectionRefusedError):
                return wire.ask(port, wire.head())[0]
        self.assertIn(b'reached', wait_for(answer))
        for name, status in (('a.example', b'200'), ('no.example', b'404')):
            for _ in range(3):
                self.assertTrue(wire.ask(port, wire.head(name))[0].startswith(
                    b'HTTP/1.1 ' + status))
        if os.access(f'/proc/{process.pid}/fd', os.R_OK):
            self.assertEqual([os.readlink(f'/proc/{process.pid}/fd/{fd}')
                              for fd in range(3)], ['/dev/null'] * 3)


if __name__ == '__main__':
    unittest.main()
