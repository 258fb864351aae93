# SPDX-License-Identifier: ISC
"""What /proc says of the running daemon's processes, and what others may do
to them."""
import contextlib
import os
import pwd
import re
import resource
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


def tasks(pid):
    """/proc/PID/task/TID/status of each of its threads."""
    return [status_of(f'{pid}/task/{tid}')
            for tid in os.listdir(f'/proc/{pid}/task')]


FILTERS = {'usherd': 0, 'usherd-front': 2, 'usherd-log': 2, 'usherd-tls': 1,
           'usherd-http': 1, 'usherd-relay': 2}
LISTENERS = 8           # a front's first, one for each option
SLOTS_BASE = 512        # and below it all that is its own


class Base(harness.Case):
    """The shipped programs, started by whoever runs the tests."""

    user = harness.USER
    root = ROOT         # is the launcher?

    def start(self):
        return self.usherd('-j', '2')

    def daemon_and_children(self):
        """All that the launcher has started: two shards, and the log."""
        daemon = self.start()
        held.ready_children(daemon, 8)
        return daemon, held.all_children(daemon)

    def of(self, *programs):
        """pids of these programs in a daemon of two shards."""
        daemon, children = self.daemon_and_children()
        found = [pid for pid in children if held.program_of(pid) in programs]
        self.assertEqual({held.program_of(pid) for pid in found},
                         set(programs))
        return daemon, found


class Outside:
    """What everybody may see."""

    def test_kinds(self):
        """A shard has a front, and a parser and a relay for each protocol;
        there is one log; each is a program of its own."""
        _, children = self.daemon_and_children()
        self.assertEqual(sorted(map(held.program_of, children)),
                         ['usherd-front'] * 2 + ['usherd-http'] * 2 +
                         ['usherd-log'] + ['usherd-relay'] * 4 +
                         ['usherd-tls'] * 2)

    def test_all_are_the_launchers(self):
        """Nobody but it has made a process."""
        _, children = self.daemon_and_children()
        for pid in children:
            self.assertEqual(harness.children_of(pid), [])

    def test_names_for_people(self):
        """ps and top call each process by its program."""
        daemon, children = self.daemon_and_children()
        for pid in [daemon.pid, *children]:
            self.assertEqual(status_of(pid)['Name'], held.program_of(pid))

    def test_filters(self):
        """Every thread of every process but the launcher has its own, and
        none that was inherited: what is allowed, and with some what is
        forbidden."""
        daemon, children = self.daemon_and_children()
        for pid in [daemon.pid, *children]:
            filters = FILTERS[held.program_of(pid)]
            for status in tasks(pid):
                self.assertEqual(status['Seccomp'].strip(),
                                 '2' if filters else '0')
                self.assertEqual(status['Seccomp_filters'].strip(),
                                 str(filters), held.program_of(pid))

    def test_nobody_gets_new_privileges(self):
        daemon, children = self.daemon_and_children()
        for pid in [daemon.pid, *children]:
            for status in tasks(pid):
                self.assertEqual(status['NoNewPrivs'].strip(), '1')

    def test_threads(self):
        """Only fronts have some: what they look up may take long."""
        daemon, children = self.daemon_and_children()
        for pid in [daemon.pid, *children]:
            front = held.program_of(pid) == 'usherd-front'
            self.assertEqual(len(tasks(pid)), 9 if front else 1)

    def test_children_have_no_capability(self):
        _, children = self.daemon_and_children()
        for pid in children:
            for status in tasks(pid):
                for kind in ('CapInh', 'CapPrm', 'CapEff', 'CapAmb'):
                    self.assertEqual(capabilities(status, kind), 0, kind)

    def test_launcher_has_what_it_makes_and_ends_children_with(self):
        daemon, _ = self.daemon_and_children()
        status = status_of(daemon.pid)
        most = 0
        if self.root:
            most = CAP_KILL | CAP_SETGID | CAP_SETUID | CAP_SYS_CHROOT
        for kind in ('CapPrm', 'CapEff'):
            self.assertEqual(capabilities(status, kind), most, kind)
        for kind in ('CapInh', 'CapAmb'):
            self.assertEqual(capabilities(status, kind) & ~most, 0, kind)

    def test_launcher_stays_who_it_was(self):
        daemon, _ = self.daemon_and_children()
        status = status_of(daemon.pid)
        user = pwd.getpwnam('root' if self.root else self.user)
        self.assertEqual(ids(status, 'Uid'), [user.pw_uid] * 4)
        self.assertEqual(ids(status, 'Gid'), [user.pw_gid] * 4)

    def test_children_are_another_user(self):
        """Real, effective, saved and of the file system: all are those of the
        unprivileged user, in every thread; nobody but the launcher is root."""
        user = pwd.getpwnam(self.user)
        _, children = self.daemon_and_children()
        for pid in children:
            for status in tasks(pid):
                self.assertEqual(ids(status, 'Uid'), [user.pw_uid] * 4)
                self.assertEqual(ids(status, 'Gid'), [user.pw_gid] * 4)

    def test_groups(self):
        """Tenants let usherd in by group, so the front has the user's.  The
        others have none, where there was somebody who could take them away."""
        _, children = self.daemon_and_children()
        for pid in children:
            front = held.program_of(pid) == 'usherd-front'
            for status in tasks(pid):
                self.assertEqual(sorted(ids(status, 'Groups')),
                                 self.groups(front), held.program_of(pid))

    def groups(self, front):
        """What one has: the user's, if it is the front and was to become
        that user; or else what the launcher had."""
        if not self.root:
            return sorted(os.getgroups())
        user = pwd.getpwnam(self.user)
        return sorted(os.getgrouplist(self.user, user.pw_gid)) if front else []

    def test_limits(self):
        """RLIMIT_CORE, FSIZE, NPROC 0, but that the log is written to, maybe
        to a file; NOFILE what its table needs."""
        _, children = self.daemon_and_children()
        for pid in children:
            limits = held.limits(pid)
            none = ['Max core file size', 'Max processes']
            if held.program_of(pid) != 'usherd-log':
                none.append('Max file size')
            for what in none:
                self.assertEqual(limits[what], ('0', '0'), what)
            soft, hard = map(int, limits['Max open files'])
            self.assertEqual(soft, hard)
            self.assertLessEqual(soft, self.most_files(pid))

    @staticmethod
    def most_files(pid):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard == resource.RLIM_INFINITY:
            hard = 1024 * 1024
        return {'usherd-front': hard, 'usherd-log': 256,
                'usherd-tls': min(4096 + 64, hard),
                'usherd-http': min(2 * 4096 + 64, hard),
                'usherd-relay': min(65536 * 6 + 64, hard)}[
                    held.program_of(pid)]

    @harness.unittest.skipUnless(held.as_shipped(), 'a build without limits')
    def test_memory_limits(self):
        """What a parser, a relay or the log can take is bounded."""
        _, children = self.daemon_and_children()
        for pid in children:
            if held.program_of(pid) != 'usherd-front':
                self.assertNotEqual(held.limits(pid)['Max data size'][1],
                                    'unlimited')

    def test_killed_launcher_leaves_nobody(self):
        """kill -9 launcher: no process of ours after 1 s, ports free."""
        daemon, children = self.daemon_and_children()
        daemon.process.kill()
        daemon.process.wait()
        held.wait_gone(children, 1)
        with self.assertRaises(ConnectionRefusedError):
            held.Held(daemon.tls)

    def test_stopped_children_are_left_by_no_launcher(self):
        """The same when children cannot notice by themselves."""
        daemon, children = self.daemon_and_children()
        os.kill(daemon.pid, signal.SIGSTOP)     # or it would replace them
        for pid in children:
            os.kill(pid, signal.SIGSTOP)
        daemon.process.kill()
        daemon.process.wait()
        held.wait_gone(children, 1)


class Inside:
    """What only root may see."""

    def test_children_live_in_an_empty_directory(self):
        """Root and working directory: empty, and removed, so it stays so."""
        _, children = self.of('usherd-tls', 'usherd-http', 'usherd-relay',
                              'usherd-log')
        for pid in children:
            for what in ('root', 'cwd'):
                self.assertEqual(os.listdir(f'/proc/{pid}/{what}/'), [])
                link = os.readlink(f'/proc/{pid}/{what}')
                self.assertRegex(link, r' \(deleted\)$')

    def test_fronts_see_hosts_where_it_is(self):
        """They have the root that the launcher has: links of tenants may be
        absolute."""
        daemon, fronts = self.of('usherd-front')
        for pid in [daemon.pid, *fronts]:
            self.assertEqual(os.readlink(f'/proc/{pid}/root'), '/')

    def test_descriptors_of_parsers_and_relays(self):
        """0, 1, 2 null; 3 socket; 4 pipe; of a pair 6, 7 pipes; the loop's;
        up to 15 null, so that nothing else ever gets such a number."""
        daemon, children = self.of('usherd-tls', 'usherd-http', 'usherd-relay')
        paired = held.children(daemon, 'usherd-http') + \
            held.relays(daemon, tls=False)
        for pid in children:
            table = open_files(pid)
            self.assertEqual(sorted(table), list(range(16)))
            self.assertEqual([table.pop(n) for n in (0, 1, 2)], [NULL] * 3)
            self.assertRegex(table.pop(3), '^socket:')
            self.assertRegex(table.pop(4), '^pipe:')
            self.assertEqual(table.pop(5), 'anon_inode:[eventpoll]')
            after = 6
            if pid in paired:
                for number in (6, 7):
                    self.assertRegex(table.pop(number), '^pipe:')
                after = 8
            for number in (after, after + 1):   # libevent's, for signals
                self.assertRegex(table.pop(number), '^(pipe|socket):')
            self.assertEqual(set(table.values()), {NULL})

    def test_pipes_of_a_pair_are_its_own(self):
        """Each of the two has one end of each, and nobody else any."""
        daemon, parsers = self.of('usherd-http')
        relays = held.relays(daemon, tls=False)
        tables = {pid: open_files(pid)
                  for pid in [daemon.pid, *held.all_children(daemon)]}
        for parser in parsers:
            for number in (6, 7):
                pipe = tables[parser][number]
                where = {pid: [n for n, to in table.items() if to == pipe]
                         for pid, table in tables.items()
                         if pipe in table.values()}
                relay, = set(where) & set(relays)
                self.assertEqual(where, {parser: [number], relay: [number]})

    def test_descriptors_of_the_log(self):
        """2 is the launcher's stderr; 3 socket; 4 pipe; up to 7 null, so that
        no pipe of a front's gets such a number; a pipe for each front."""
        daemon, (log,) = self.of('usherd-log')
        table = open_files(log)
        self.assertEqual([table.pop(n) for n in (0, 1, 5, 6, 7)], [NULL] * 5)
        self.assertEqual(table.pop(2), open_files(daemon.pid)[2])
        self.assertRegex(table.pop(3), '^socket:')
        self.assertRegex(table.pop(4), '^pipe:')
        self.assertEqual([re.match('[a-z]+', to)[0] for to in table.values()],
                         ['pipe', 'pipe'])

    def test_descriptors_of_fronts(self):
        """Every number below 512 is taken, so what comes in gets none of
        them, and nothing is above it when idle.  0, 1, 2 null; 3 socket; 4, 5
        pipes; 7 hosts/; then the listeners."""
        daemon, fronts = self.of('usherd-front')
        launcher = open_files(daemon.pid).values()
        for pid in fronts:
            table = open_files(pid)
            self.assertEqual(sorted(table), list(range(SLOTS_BASE)))
            self.assertEqual([table[n] for n in (0, 1, 2)], [NULL] * 3)
            self.assertRegex(table[3], '^socket:')
            for number in (4, 5):
                self.assertRegex(table[number], '^pipe:')
            self.assertEqual(table[7], str(self.hosts))
            for number in (LISTENERS, LISTENERS + 1):
                self.assertRegex(table[number], '^socket:')
                self.assertIn(table[number], launcher)

    def test_nobody_shares_with_another_shard(self):
        """Of all sockets and pipes only the listeners are in two fronts."""
        _, fronts = self.of('usherd-front')
        one, other = ({to for to in open_files(pid).values()
                       if re.match('(socket|pipe):', to)} for pid in fronts)
        self.assertEqual(len(one & other), 2)

    def test_only_launcher_and_log_have_stderr(self):
        """Nobody else can print a foreign byte."""
        daemon, children = self.daemon_and_children()
        stderr = open_files(daemon.pid)[2]
        self.assertNotEqual(stderr, NULL)
        self.assertEqual([held.program_of(pid) for pid in children
                          if stderr in open_files(pid).values()],
                         ['usherd-log'])

    def test_descriptors_after_a_connection(self):
        """Nothing of a connection is left in any process."""
        self.tenant(self.host('a.example') / 'tls-socket',
                    harness.echo_server)
        daemon, children = self.daemon_and_children()
        before = {pid: open_files(pid) for pid in [daemon.pid, *children]}
        for one in held.hold(self, daemon.tls, 4):
            one.close()
        wait_for(lambda: before == {pid: open_files(pid)
                                    for pid in [daemon.pid, *children]}, 5)

    def test_launcher_has_nothing_of_a_connection(self):
        """Not even while there is one."""
        self.tenant(self.host('a.example') / 'tls-socket',
                    harness.echo_server)
        daemon, _ = self.daemon_and_children()
        before = open_files(daemon.pid)
        held.hold(self, daemon.tls, 4)
        self.assertEqual(open_files(daemon.pid), before)


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
    root = False

    def groups(self, front):
        """setpriv took away what there was."""
        return []

    def programs(self):
        """A directory with them that everybody can read."""
        programs = self.scratch / 'programs'
        if not programs.exists():
            programs.mkdir(mode=0o755)
            for name in FILTERS:
                shutil.copy(harness.BUILD / name, programs)
        return programs

    def start(self):
        if subprocess.run(as_user(self.user, 'unshare', '-U', 'true'),
                          capture_output=True).returncode != 0:
            self.skipTest('plain users may not have user namespaces here')
        return self.usherd(command=as_user(
            self.user, str(self.programs() / 'usherd'), '-d',
            str(self.hosts), '-j', '2', '-t', '127.0.0.1:0', '-p',
            '127.0.0.1:0'))


@harness.unittest.skipUnless(ROOT, 'only root can give groups away')
class StartedInAGroup(StartedByPlainUser):
    """By a plain user in a group of tenants."""

    group = 54321       # of nobody

    def groups(self, front):
        """Who is not root cannot take it away from the others, either."""
        return [self.group]

    def start(self):
        words = as_user(self.user, str(self.programs() / 'usherd'), '-d',
                        str(self.hosts), '-j', '2', '-t', '127.0.0.1:0',
                        '-p', '127.0.0.1:0')
        words[words.index('--clear-groups')] = f'--groups={self.group}'
        return self.usherd(command=words)

    def test_a_tenant_of_that_group(self):
        """Whose directory is for the group alone."""
        host = self.host('a.example')
        self.tenant(host / 'tls-socket', harness.echo_server, mode=0o660)
        os.chown(host / 'tls-socket', 0, self.group)
        os.chown(host, 0, self.group)
        os.chmod(host, 0o750)
        held.hold(self, self.start().tls)


@harness.unittest.skipUnless(ROOT, 'only root sees into these processes')
@harness.unittest.skipUnless(shutil.which('strace'), 'strace is not installed')
class Traced(harness.Case):
    """What /proc does not say: it is seen being done."""

    LINE = re.compile(r'(\d+) +(?:<... )?(\w+)(.*)')

    def test_landlock(self):
        """Everybody but the launcher enters it, before the filter in which
        it could not; and who cannot is not there."""
        if ' landlock ABI' not in subprocess.run(
                [harness.BUILD / 'usherd', '-V'], capture_output=True,
                text=True).stdout:
            self.skipTest('this kernel has no landlock')
        trace = self.hosts.parent / 'trace'
        subprocess.run(
            ['strace', '-f', '-qq', '-o', trace, '-e', 'signal=none', '-e',
             'trace=execve,execveat,landlock_restrict_self,seccomp',
             *harness.with_user([
                 str(harness.BUILD / 'usherd'), '-n', '-d', str(self.hosts),
                 '-j', '1', '-t', '127.0.0.1:0', '-p', '127.0.0.1:0'])],
            stderr=subprocess.DEVNULL, timeout=60)
        names, entered = {}, set()
        for line in trace.read_text().splitlines():
            told = self.LINE.match(line)
            if told is None:
                continue        # killed in a call that strace had not read
            pid, call, rest = told.groups()
            words = re.search(r'\["([^"]+)"', rest)
            if call.startswith('execve') and words:
                names[pid] = os.path.basename(words[1])
            elif call == 'landlock_restrict_self':
                if '= 0' in rest:
                    entered.add(pid)
            elif '{len=' in rest and names[pid] != 'usherd':
                self.assertIn(pid, entered, names[pid])
        self.assertEqual(sorted(names[pid] for pid in entered),
                         sorted([*FILTERS, 'usherd-relay'])[1:])


if __name__ == '__main__':
    harness.unittest.main()
