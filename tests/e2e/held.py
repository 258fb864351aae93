# SPDX-License-Identifier: ISC
"""Connections that are held while something happens to usherd, and what
/proc says of its processes."""
import contextlib
import os
import resource
import signal
import socket
import subprocess

import wire
from harness import BUILD, children_of, status_of, wait_for

TICKS = os.sysconf('SC_CLK_TCK')


def exactly(connection, n):
    """n bytes, or fewer when the connection ends."""
    data = b''
    while len(data) < n:
        piece = connection.recv(n - len(data))
        if not piece:
            break
        data += piece
    return data


def reset(connection):
    """Closes with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                          b'\1\0\0\0\0\0\0\0')
    connection.close()


class Held:
    """An established connection to a tenant that echoes (echo_server)."""

    def __init__(self, port, name='a.example', tls=True, seconds=10):
        self.flight = wire.hello(name) if tls else wire.tunnel(name)
        self.socket = wire.connect(port, seconds)
        self.socket.sendall(self.flight)
        self.count = 0

    def establish(self):
        """Waits for the echo of the first flight; gives self."""
        if self.take(len(self.flight)) != wire.echoed(self.flight):
            raise AssertionError('the tenant did not echo the first flight')
        return self

    def take(self, n):
        return exactly(self.socket, n)

    def alive(self):
        """Does a word come back?"""
        self.count += 1
        word = b'word %06d' % self.count
        try:
            self.socket.sendall(word)
            return self.take(len(word)) == word
        except OSError:
            return False

    def rest(self):
        """Everything up to the end."""
        return wire.read_all(self.socket)

    def close(self):
        self.socket.close()

    def reset(self):
        reset(self.socket)


def want_descriptors(case, n):
    """The test itself needs n descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < n:
        case.skipTest(f'only {hard} open files allowed, {n} needed')
    if soft < n:
        resource.setrlimit(resource.RLIMIT_NOFILE, (n, hard))


def as_shipped():
    """Are the children static?  A sanitizer build has others, and
    keeps freed memory: see sandbox/loader_dynamic.c."""
    done = subprocess.run([BUILD / 'usherd', '-V'], capture_output=True,
                          text=True, check=True)
    return 'dynamic children' not in done.stdout


def hold(case, port, n=1, **how):
    """n established connections that end with the test."""
    held = []
    for _ in range(n):
        one = Held(port, **how)
        case.addCleanup(one.close)
        held.append(one.establish())
    return held


def runs(pid):
    """Is there such a process, and is it more than what init has to bury?
    While any of its threads ends, its descriptors are open."""
    with contextlib.suppress(OSError):
        for tid in os.listdir(f'/proc/{pid}/task'):
            with contextlib.suppress(OSError, KeyError):
                if status_of(f'{pid}/task/{tid}')['State'][0] not in 'ZX':
                    return True
    return False


def wait_gone(pids, seconds=1.0):
    """Waits until none of them is there; raises with those that are."""
    def gone():
        return not any(runs(pid) for pid in pids)
    try:
        wait_for(gone, seconds, 0.005)
    except AssertionError:
        raise AssertionError('still there after %g s: %s' % (
            seconds, [(pid, status_of(pid)['Name'], status_of(pid)['State'])
                      for pid in pids if runs(pid)])) from None


def program_of(pid):
    """usherd-tls, as the launcher called it; the name of an exec by descriptor
    is a number on kernels before 6.14."""
    with contextlib.suppress(OSError):
        with open(f'/proc/{pid}/cmdline', 'rb') as f:
            return os.path.basename(f.read().split(b'\0')[0].decode())
    return ''


def all_children(daemon):
    """pids of all that the launcher has started, oldest first."""
    return children_of(daemon.pid)


def children(daemon, program=None):
    """pids of one program's processes ('usherd-tls'), or of all parsers and
    relays, oldest first."""
    def wanted(name):
        if program is None:
            return name not in ('usherd-front', 'usherd-log', '')
        return name == program
    return [pid for pid in all_children(daemon) if wanted(program_of(pid))]


def relays(daemon, tls):
    """pids of one protocol's, a shard's after the other's."""
    found = []
    for pid in children(daemon, 'usherd-relay'):
        with contextlib.suppress(OSError), \
                open(f'/proc/{pid}/cmdline', 'rb') as f:
            if (b'tls' if tls else b'http') in f.read().split(b'\0'):
                found.append(pid)
    return found


def restored(daemon, before):
    """Are there as many children as before, though not the same?  Parser and
    relay of HTTP are replaced together, and the one that did not die stays as
    long as it has connections."""
    pids = children(daemon)
    return not set(before) <= set(pids) and \
        len(before) <= len(pids) <= len(before) + 1 and all(map(runs, pids))


def keys(daemon):
    """pids of launcher and fronts."""
    return [daemon.pid, *children(daemon, 'usherd-front')]


def front(daemon):
    """The pid of the front, of which there is one (-j 1)."""
    pid, = children(daemon, 'usherd-front')
    return pid


@contextlib.contextmanager
def fronts_stopped(daemon):
    """The fronts do nothing meanwhile; nor does the launcher, which would
    replace them."""
    pids = [daemon.pid, *children(daemon, 'usherd-front')]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
        wait_for(lambda pid=pid: status_of(pid)['State'][0] == 'T', step=0)
    try:
        yield
    finally:
        for pid in reversed(pids):
            os.kill(pid, signal.SIGCONT)


def processes(daemon):
    return [daemon.pid, *all_children(daemon)]


def descriptors(pid):
    """How many it has open, or None where the kernel (before 6.2) does not
    say it of processes that may not be read."""
    size = os.stat(f'/proc/{pid}/fd').st_size
    if size > 0:
        return size
    try:
        return len(os.listdir(f'/proc/{pid}/fd'))
    except PermissionError:
        return None


def spread(case, pids, connect):
    """Connects, one after the other, until each of these processes has one;
    gives {pid: [connection, ...]}.  Which shard takes one is chance."""
    if None in map(descriptors, pids):
        case.skipTest('only root sees which process has a connection here')
    found = {pid: [] for pid in pids}
    for _ in range(64):
        if all(found.values()):
            return found
        before = {pid: descriptors(pid) for pid in pids}
        one = connect()

        def taken():
            return [pid for pid in pids if descriptors(pid) > before[pid]]
        found[wait_for(taken, 5, 0.005)[0]].append(one)
    counts = {pid: len(found[pid]) for pid in pids}
    raise AssertionError(f'not one for each: {counts}')


def rss(pid):
    """kB in memory."""
    return int(status_of(pid)['VmRSS'].split()[0])


def cpu(pids):
    """Seconds of processor time that they have used, all together."""
    ticks = 0
    for pid in pids:
        with open(f'/proc/{pid}/stat') as f:
            fields = f.read().rsplit(')', 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def limits(pid):
    """(soft, hard) by name, as text."""
    with open(f'/proc/{pid}/limits') as f:
        return {line[:26].strip(): tuple(line[26:].split()[:2])
                for line in f.readlines()[1:]}


def ready_children(daemon, n, seconds=10):
    """Waits until n parsers and relays have confined themselves; gives their
    pids."""
    def confined():
        pids = children(daemon)
        with contextlib.suppress(OSError, KeyError):
            if len(pids) == n and all(
                    int(status_of(pid)['Seccomp_filters']) >=
                    (2 if program_of(pid) == 'usherd-relay' else 1)
                    for pid in pids):
                return pids
        return None
    return wait_for(confined, seconds)
