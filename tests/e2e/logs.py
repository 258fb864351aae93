# SPDX-License-Identifier: ISC
"""usherd-log started by a test, which is the launcher and the fronts, over the
pipes that they have."""
import fcntl
import mmap
import os
import pwd
import socket
import struct
import subprocess
import tempfile
import termios

import harness
from harness import ROOT, wait_for

# src/common/log_record.h
REFUSED, CHILD, ACCEPT, LOOP, HOSTS_GONE, STEP, LOST = range(1, 8)
NUMBERS = ('kind', 'protocol', 'refusal', 'named', 'needs', 'mode', 'uid',
           'gid', 'child', 'pid', 'why', 'count', 'value', 'error', 'id',
           'state', 'event', 'action', 'next')
SIZE = 4 * len(NUMBERS) + 28 + 254 + 254 + 160
# src/common/launch.h
SHARD, TEXT, COUNTS, STOPPING, CUT, PING = range(1, 7)
READY, PONG = b'\x01', b'\x02'
DENIED, UNKNOWN = 26, 22    # src/common/refusal.h


def record(kind, client='192.0.2.1', name=b'', entry=b'', at=b'', **numbers):
    """Numbers that are not given are 0; texts are padded with NUL."""
    head = struct.pack(f'={len(NUMBERS)}I', kind,
                       *(numbers.get(n, 0) for n in NUMBERS[1:]))
    address = bytes(28)
    if kind == REFUSED:
        address = struct.pack('=HHI16sI', socket.AF_INET6,
                              socket.htons(4711), 0, socket.inet_pton(
                                  socket.AF_INET6, f'::ffff:{client}'), 0)
    return (head + address + name.ljust(254, b'\0') +
            entry.ljust(254, b'\0') + at.ljust(160, b'\0'))


def refused(i=1, name=b'a.example', **more):
    fields = {'protocol': 1, 'refusal': UNKNOWN, 'named': 1}
    fields.update(more)
    return record(REFUSED, f'10.{i >> 16}.{i >> 8 & 255}.{i & 255}', name,
                  **fields)


class Front:
    """One front's pipe, both ends, and its page."""
    def __init__(self):
        self.out, self.end = os.pipe2(os.O_NONBLOCK)
        fcntl.fcntl(self.end, fcntl.F_SETPIPE_SZ, 1 << 18)
        self.page = os.memfd_create('counters')
        os.ftruncate(self.page, 4096)
        self.counters = mmap.mmap(self.page, 4096)

    def send(self, data):
        written = os.write(self.end, data)
        assert written == len(data), written

    def close(self):
        self.counters.close()
        for fd in (self.out, self.end, self.page):
            os.close(fd)


class Log:
    """The process, started as the launcher does."""
    def __init__(self, case, stderr, confined, *arguments,
                 program=harness.BUILD / 'usherd-log'):
        self.control, control = socket.socketpair(socket.AF_UNIX,
                                                  socket.SOCK_SEQPACKET)
        self.requests, request = os.pipe2(os.O_NONBLOCK)
        empty = os.open(case.empty, os.O_RDONLY | os.O_DIRECTORY)
        given = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100)
                 for fd in (control.fileno(), request, empty)]
        command = [str(program), '-n', '128', *arguments]
        if confined:
            who = pwd.getpwnam(harness.USER)
            command += ['-c', '-i', f'{who.pw_uid}:{who.pw_gid}']
        user = {}
        if ROOT and not confined:
            user = {'user': 'nobody', 'group': 65534, 'extra_groups': []}

        def place():
            for to, fd in enumerate(given, 3):
                os.dup2(fd, to)
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=stderr, pass_fds=[3, 4, 5], preexec_fn=place, **user)
        control.close()
        for fd in (request, empty, *given):
            os.close(fd)
        case.addCleanup(self.stop)
        self.wait_byte(READY)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.control.close()
        if self.requests != -1:
            os.close(self.requests)
        self.requests = -1

    def wait_byte(self, byte, seconds=10):
        def came():
            try:
                return os.read(self.requests, 1)
            except BlockingIOError:
                return None
        got = wait_for(came, seconds)
        assert got == byte, got

    def order(self, kind, shard=0, value=0, text=b'', fds=()):
        data = struct.pack('=4I1008s', kind, shard, value, 0, text)
        socket.send_fds(self.control, [data], fds)

    def give(self, number, front, hosts=b'/etc/usher/hosts'):
        self.order(SHARD, number, text=hosts, fds=[front.out, front.page])

    def ping(self):
        self.order(PING)
        self.wait_byte(PONG)


def unread(front):
    """Bytes in its pipe."""
    return struct.unpack('i', fcntl.ioctl(front.out, termios.FIONREAD,
                                          bytes(4)))[0]


class Case(harness.Case):
    confined = ROOT

    def setUp(self):
        super().setUp()
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        os.chmod(directory.name, 0o755)
        self.empty = os.path.join(directory.name, 'empty')
        os.mkdir(self.empty)
        self.path = os.path.join(directory.name, 'log')
        self.file = open(self.path, 'ab')
        self.addCleanup(self.file.close)

    def log(self, *arguments, stderr=None, **more):
        return Log(self, stderr or self.file, self.confined, *arguments,
                   **more)

    def front(self):
        front = Front()
        self.addCleanup(front.close)
        return front

    def started(self, n=1, *arguments):
        log = self.log(*arguments)
        fronts = [self.front() for _ in range(n)]
        for i, front in enumerate(fronts, 1):
            log.give(i, front)
        return log, *fronts

    def lines(self):
        with open(self.path, 'rb') as file:
            return file.read().decode('ascii').splitlines()

    def wait_lines(self, n):
        wait_for(lambda: len(self.lines()) >= n)
        self.assertEqual(len(self.lines()), n, self.lines()[-3:])
        return self.lines()
