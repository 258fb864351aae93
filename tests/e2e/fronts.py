# SPDX-License-Identifier: ISC
"""A front of our own: it starts one child, a parser or a relay, and speaks to
it in the records of src/common/message.h."""
import array
import contextlib
import fcntl
import os
import pwd
import select
import socket
import struct
import subprocess

import harness
from harness import ROOT, USER, wait_for

CONTROL, REPORT, EMPTY = 3, 4, 5
F_SETPIPE_SZ = 1031
UNLIMITED = 2 ** 64 - 1

INTAKE = struct.Struct('=II')
INTAKE_BATCH = 16
SHOW, LOOK, DROP, INTAKE_PING = 1, 2, 3, 4
VERDICT = struct.Struct('=IBBBBQ254sBB')
READY, PONG, NAMED, NAMELESS, MORE, REFUSED, GONE = range(1, 8)

ORDER = struct.Struct('=BBBBIQB7x')
ORDER_BATCH = 8
ORDER_PING, RELAY, REFUSE, GRANT, NEXT, END = range(1, 7)
REPORTED = struct.Struct('=II')
ENDED, MOVED, LONELY, LEFT = range(3, 7)


def tcp():
    """Both ends of a TCP connection: the client's, and what was accepted."""
    with socket.create_server(('127.0.0.1', 0)) as listener:
        client = socket.create_connection(listener.getsockname(), 10)
        accepted, _ = listener.accept()
    return client, accepted


class Child:
    """One program at the other end of a channel; descriptors: at most."""

    def __init__(self, case, program, *options, descriptors=200, pipe=None):
        low = [os.open('/dev/null', os.O_RDONLY)]
        while low[-1] <= EMPTY:     # or dup2 hits what the start needs
            low.append(os.open('/dev/null', os.O_RDONLY))
        self.control, control = socket.socketpair(socket.AF_UNIX,
                                                  socket.SOCK_SEQPACKET)
        self.report, report = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        if pipe is not None:
            fcntl.fcntl(self.report, F_SETPIPE_SZ, pipe)
        empty = os.open(case.scratch, os.O_RDONLY | os.O_DIRECTORY)
        self.record = VERDICT if program != 'usherd-relay' else REPORTED
        command = [harness.BUILD / program, '-n', str(descriptors), *options]
        if ROOT:
            who = pwd.getpwnam(USER)
            command += ['-c', '-i', f'{who.pw_uid}:{who.pw_gid}']

        def place():
            for at, fd in ((CONTROL, control.fileno()), (REPORT, report),
                           (EMPTY, empty)):
                os.dup2(fd, at)

        self.process = subprocess.Popen(
            command, preexec_fn=place, pass_fds=(CONTROL, REPORT, EMPTY),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        case.addCleanup(self.end)
        control.close()
        for fd in (report, empty, *low):
            os.close(fd)
        self.control.setblocking(False)
        said = self.hear(1)
        case.assertEqual(said[0][self.record is VERDICT], READY)

    def end(self):
        self.process.kill()
        self.process.wait()
        self.leave()

    def leave(self):
        """As a front that dies."""
        self.control.close()
        self.deafen()

    def deafen(self):
        """Nobody reads its reports any more."""
        if self.report is not None:
            os.close(self.report)
        self.report = None

    def status(self, seconds=5):
        """Its exit status; raises when it has none within that time."""
        return self.process.wait(seconds)

    def runs(self):
        return self.process.poll() is None

    def send(self, message, *sockets):
        """The sockets are given away, non-blocking as a front's are."""
        for each in sockets:
            each.setblocking(False)
        fds = array.array('i', [each.fileno() for each in sockets])
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)] if fds else []

        def sent():
            if not self.runs():
                raise AssertionError(f'ended: {self.process.returncode}')
            with contextlib.suppress(BlockingIOError):
                return self.control.sendmsg([message], rights)
            return None
        wait_for(sent, 10, 0.001)
        for each in sockets:
            each.close()

    def hear(self, n=None, seconds=10):
        """n records, or those that are there."""
        size = self.record.size
        data = b''
        while n is None or len(data) < n * size:
            if n is not None and \
                    not select.select([self.report], [], [], seconds)[0]:
                raise AssertionError(f'{len(data) // size} records, not {n}')
            try:
                piece = os.read(self.report, 64 * size)
            except BlockingIOError:
                break
            if not piece:
                break
            data += piece
        if len(data) % size != 0:
            raise AssertionError(f'{len(data)} bytes: torn records')
        return list(self.record.iter_unpack(data))


class Parser(Child):
    def intake(self, kind, number=0, *sockets):
        message = INTAKE.pack(kind, number)
        self.send(message.ljust(INTAKE.size * INTAKE_BATCH, b'\0'), *sockets)


class Relay(Child):
    def __init__(self, case, protocol, **how):
        super().__init__(case, 'usherd-relay', '-e', protocol,
                         '-p', str(1 << 22), **how)
        self.case = case

    def order(self, kind, *sockets, number=0, grant=0, refusal=0, patient=0,
              last=0, partial=0):
        message = ORDER.pack(kind, refusal, patient, last, number, grant,
                             partial)
        self.send(message.ljust(ORDER.size * ORDER_BATCH, b'\0'), *sockets)

    def begin(self, number=0, grant=UNLIMITED, partial=0):
        """A connection of its own: the client's end and the tenant's."""
        client, accepted = tcp()
        tenant, backend = socket.socketpair()
        for each in (client, tenant):
            each.settimeout(10)
            self.case.addCleanup(each.close)
        self.order(RELAY, accepted, backend, number=number, grant=grant,
                   partial=partial)
        return client, tenant

    def next(self, number, grant, **how):
        tenant, backend = socket.socketpair()
        tenant.settimeout(10)
        self.case.addCleanup(tenant.close)
        self.order(NEXT, backend, number=number, grant=grant, **how)
        return tenant
