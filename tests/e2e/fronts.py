# SPDX-License-Identifier: ISC
"""A front of our own: it starts one child, a parser or a relay, and speaks to
it in the records of src/common/message.h.  Of a pair it is the other one,
too."""
import array
import collections
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

CONTROL, REPORT, EMPTY, GRANTS, TOLD = range(3, 8)
F_SETPIPE_SZ = 1031
UNLIMITED = 2 ** 64 - 1
SPARE = 64              # CHILD_SPARE

INTAKE = struct.Struct('=II')
INTAKE_BATCH = 16
SHOW, BACKEND, DROP, DRAIN, INTAKE_PING = range(1, 6)
VERDICT = struct.Struct('=IBBBB254s2x')
READY, PONG, NAMED, NAMELESS, REFUSED, GONE = range(1, 7)

ORDER = struct.Struct('=BBBBI')
ORDER_BATCH = 8
ORDER_PING, RELAY, REFUSE, NEXT, END = range(1, 6)
REPORTED = struct.Struct('=BB2xIQQ')
ENDED = 3
WHOLE, BY_CLIENT, BY_TENANT, WAS_REFUSED, IDLE, BY_RELAY = range(1, 7)

GRANT = struct.Struct('=IIQQII')
TELL_UP, TELL_DOWN, STOP, HURRY, CALM, AWAY, FINISH, LAST, TUNNEL, CUT, \
    OPEN, WARY = (1 << bit for bit in range(12))
PROGRESS = struct.Struct('=IIQQQII')
CLIENT_ENDED, TENANT_DEAF, TENANT_ENDED, OVER = (1 << bit for bit in range(4))


def tcp():
    """Both ends of a TCP connection: the client's, and what was accepted."""
    with socket.create_server(('127.0.0.1', 0)) as listener:
        client = socket.create_connection(listener.getsockname(), 10)
        accepted, _ = listener.accept()
    return client, accepted


def records(fd, record, n=None, seconds=10):
    """n records from a pipe, or those that are there."""
    data = b''
    while n is None or len(data) < n * record.size:
        if n is not None and not select.select([fd], [], [], seconds)[0]:
            raise AssertionError(f'{len(data) // record.size} records, '
                                 f'not {n}')
        try:
            piece = os.read(fd, 64 * record.size)
        except BlockingIOError:
            break
        if not piece:
            break
        data += piece
    if len(data) % record.size != 0:
        raise AssertionError(f'{len(data)} bytes: torn records')
    return list(record.iter_unpack(data))


class Child:
    """One program at the other end of a channel; descriptors: at most.  One
    of a pair has its pipes: what it reads, and what it writes, is ours."""

    def __init__(self, case, program, *options, descriptors=200, pipe=None,
                 pair=False):
        low = [os.open('/dev/null', os.O_RDONLY)]
        while low[-1] <= TOLD:      # or dup2 hits what the start needs
            low.append(os.open('/dev/null', os.O_RDONLY))
        self.control, control = socket.socketpair(socket.AF_UNIX,
                                                  socket.SOCK_SEQPACKET)
        self.report, report = self.pipe(pipe)
        empty = os.open(case.scratch, os.O_RDONLY | os.O_DIRECTORY)
        places = {CONTROL: control.fileno(), REPORT: report, EMPTY: empty}
        self.record = VERDICT if program != 'usherd-relay' else REPORTED
        self.told = self.grants = None
        if pair:
            told, grants = self.pipe(pipe), self.pipe(pipe)
            if self.record is VERDICT:
                self.grants, places[GRANTS] = grants
                places[TOLD], self.told = told
            else:
                places[GRANTS], self.grants = grants
                self.told, places[TOLD] = told
            options = ('-g', *options)
        command = [harness.BUILD / program, '-n', str(descriptors), *options]
        if ROOT:
            who = pwd.getpwnam(USER)
            command += ['-c', '-i', f'{who.pw_uid}:{who.pw_gid}']

        def place():
            for at, fd in places.items():
                os.dup2(fd, at)

        self.process = subprocess.Popen(
            command, preexec_fn=place, pass_fds=tuple(places),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        case.addCleanup(self.end)
        control.close()
        for at, fd in places.items():
            if at != CONTROL:
                os.close(fd)
        for fd in low:
            os.close(fd)
        self.control.setblocking(False)
        said = self.hear(1)
        case.assertEqual(said[0][self.record is VERDICT], READY)

    @staticmethod
    def pipe(size=None):
        ends = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        if size is not None:
            fcntl.fcntl(ends[0], F_SETPIPE_SZ, size)
        return ends

    def end(self):
        self.process.kill()
        self.process.wait()
        self.leave()
        self.part()

    def leave(self):
        """As a front that dies."""
        self.control.close()
        self.deafen()

    def part(self):
        """As the other of a pair that dies."""
        for fd in (self.grants, self.told):
            if fd is not None:
                os.close(fd)
        self.grants = self.told = None

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
        return records(self.report, self.record, n, seconds)


class Parser(Child):
    def __init__(self, case, program, **how):
        super().__init__(case, program, pair=program == 'usherd-http', **how)

    def intake(self, kind, number=0, *sockets):
        message = INTAKE.pack(kind, number)
        self.send(message.ljust(INTAKE.size * INTAKE_BATCH, b'\0'), *sockets)

    def granted(self, n=None, seconds=10):
        """What it grants, to be read by a relay."""
        return records(self.grants, GRANT, n, seconds)

    def tell(self, number, backend=1, untaken=0, up=0, down=0, flags=0,
             serial=0):
        """Progress, as a relay says it."""
        os.write(self.told, PROGRESS.pack(number, backend, untaken, up, down,
                                          flags, serial))


class Relay(Child):
    def __init__(self, case, protocol, **how):
        super().__init__(case, 'usherd-relay', '-e', protocol,
                         '-p', str(1 << 22), pair=protocol == 'http', **how)
        self.case = case
        self.serials = collections.Counter()

    def order(self, kind, *sockets, number=0, refusal=0, head=0):
        message = ORDER.pack(kind, refusal, head, 0, number)
        self.send(message.ljust(ORDER.size * ORDER_BATCH, b'\0'), *sockets)

    def begin(self, number=0, **how):
        """A connection of its own: the client's end and the tenant's; how:
        what is granted at once."""
        client, accepted = tcp()
        tenant, backend = socket.socketpair()
        for each in (client, tenant):
            each.settimeout(10)
            self.case.addCleanup(each.close)
        self.order(RELAY, accepted, backend, number=number)
        if how:
            self.grant(number, **how)
        return client, tenant

    def next(self, number):
        tenant, backend = socket.socketpair()
        tenant.settimeout(10)
        self.case.addCleanup(tenant.close)
        self.order(NEXT, backend, number=number)
        return tenant

    def grant(self, number, backend=1, up=0, down=0, flags=0):
        """As its parser does."""
        self.serials[number] += 1
        record = GRANT.pack(number, backend, up, down, flags,
                            self.serials[number])

        def said():
            with contextlib.suppress(BlockingIOError):
                return os.write(self.grants, record)
            return None
        wait_for(said, 10, 0.001)

    def progress(self, n=None, seconds=10):
        """What it tells its parser."""
        return records(self.told, PROGRESS, n, seconds)

    def ended(self, number, seconds=10):
        """How this connection ended, and what it moved."""
        (kind, ending, about, up, down), = self.hear(1, seconds)
        self.case.assertEqual((kind, about), (ENDED, number))
        return ending, up, down
