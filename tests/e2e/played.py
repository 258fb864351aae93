# SPDX-License-Identifier: ISC
"""The front and the relay of one usherd-http: it is told of clients and of
backends, what it grants is moved by hand, and it hears how far that came."""
import collections
import contextlib
import select
import socket
import struct
import time

import fronts
import harness
import wire
from fronts import CUT, FINISH, LAST, TELL_DOWN, TELL_UP, TUNNEL, WARY

MOST = 2 ** 62 - 1      # what is granted for more than that
OPEN = 1 << 10

Grant = collections.namedtuple('Grant', 'id backend up down flags serial')


OK = b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
CLOSE = b'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'
CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
CONTINUE = b'HTTP/1.1 100 Continue\r\n\r\n'
POST = 'POST / HTTP/1.1'
NO_ANSWER = 39          # in enum refusal


def post(n, *fields):
    return wire.head('a.example', f'Content-Length: {n}', *fields, line=POST)


def chunked(*fields):
    return wire.head('a.example', 'Transfer-Encoding: chunked', *fields,
                     line=POST)


class Http(fronts.Parser):
    def __init__(self, case, descriptors=1000, **how):
        self.case = case
        self.ids = 0
        self.heard = collections.defaultdict(list)
        self.named = collections.defaultdict(list)
        super().__init__(case, 'usherd-http', descriptors=descriptors, **how)

    def listen(self):
        """Takes what has been granted and said."""
        if self.grants is not None:
            for record in self.granted():
                grant = Grant(*record)
                self.heard[grant.id].append(grant)
        if self.report is not None:
            for record in self.hear():
                self.named[record[0]].append(record[1:])

    def wait(self, what, seconds=5):
        """What comes in such a list first."""
        end = time.monotonic() + seconds
        while True:
            self.listen()
            if what:
                return what.pop(0)
            if not self.runs():
                raise AssertionError(f'ended: {self.process.returncode}')
            if time.monotonic() > end:
                raise AssertionError('nothing was said')
            ends = [fd for fd in (self.grants, self.report) if fd is not None]
            select.select(ends, [], [], 0.1)

    def ping(self):
        """It has done all that it was told before."""
        self.intake(fronts.INTAKE_PING)
        self.case.assertEqual(self.wait(self.named[0])[0], fronts.PONG)

    def cpu(self):
        """ms of processor time."""
        with open(f'/proc/{self.process.pid}/schedstat') as stat:
            return int(stat.read().split()[0]) / 1e6

    def connection(self, tcp=True):
        return Connection(self, tcp)


class Connection:
    """One client's connection, and its backends."""

    def __init__(self, http, tcp):
        self.http, self.case = http, http.case
        http.ids += 1
        self.id = http.ids
        self.client, self.accepted = fronts.tcp() if tcp else \
            socket.socketpair()
        if tcp:
            self.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tenant = self.backend = None
        self.number = self.serial = 0
        for each in (self.client, self.accepted):
            each.settimeout(5)
            self.case.addCleanup(each.close)
        http.intake(fronts.SHOW, self.id, self.accepted.dup())

    def verdict(self):
        """(code, refusal, head, name)"""
        code, refusal, _, head, name = self.http.wait(
            self.http.named[self.id])
        return code, refusal, head, name.rstrip(b'\0').decode()

    def says(self, code, name='', head=0, refusal=None):
        said = self.verdict()
        self.case.assertEqual((said[0], said[2], said[3]), (code, head, name))
        if refusal is not None:
            self.case.assertEqual(said[1], refusal)

    def named(self, name='a.example', head=0):
        """And nothing of it has been granted to anybody else."""
        self.says(fronts.NAMED, name, head)
        self.case.assertEqual(self.http.heard[self.id], [])

    def attach(self):
        self.tenant, self.backend = socket.socketpair()
        for each in (self.tenant, self.backend):
            each.settimeout(5)
            self.case.addCleanup(each.close)
        self.number += 1
        self.http.intake(fronts.BACKEND, self.id, self.backend.dup())

    def grant(self, up=0, down=0, flags=0, open=None):
        """The next record about it is just this."""
        said = self.http.wait(self.http.heard[self.id])
        self.case.assertEqual((said.up, said.down, said.flags & ~OPEN),
                              (up, down, flags))
        if open is not None:
            self.case.assertEqual(bool(said.flags & OPEN), open)
        self.case.assertEqual(said.backend, self.number)
        self.case.assertEqual(said.serial, self.serial + 1)
        self.serial = said.serial

    def quiet(self, seconds=0.1):
        """Nothing is said about it."""
        time.sleep(seconds)
        self.http.ping()
        self.case.assertEqual(self.http.heard[self.id], [])
        self.case.assertEqual(self.http.named[self.id], [])

    def carry(self, source, target, n):
        data = b''
        while len(data) < n:
            piece = source.recv(n - len(data))
            self.case.assertTrue(piece, 'ended')
            data += piece
        if target is not None:
            target.sendall(data)
        return data

    def up(self, n, read=True):
        """And the tenant reads it."""
        data = self.carry(self.accepted, self.backend, n)
        if read:
            self.case.assertEqual(self.carry(self.tenant, None, n), data)
        return data

    def down(self, n):
        """And the client reads it."""
        data = self.carry(self.backend, self.accepted, n)
        self.case.assertEqual(self.carry(self.client, None, n), data)
        return data

    def told(self, untaken=0, up=0, down=0, flags=0, serial=None,
             backend=None):
        self.http.tell(self.id, self.number if backend is None else backend,
                       untaken, up, down, flags,
                       self.serial if serial is None else serial)

    def gone(self):
        self.says(fronts.GONE)

    def finishes(self, down=0, flags=0):
        self.grant(0, down, FINISH | flags)
        self.gone()

    def first(self, request=wire.head(), **what):
        """A first request, its whole grant moved."""
        self.client.sendall(request)
        self.named(**what)
        self.attach()
        self.grant(len(request), open=True)
        self.case.assertEqual(self.up(len(request)), request)
        return self

    def again(self, request=wire.head()):
        """One more, to the same backend."""
        self.client.sendall(request)
        self.grant(len(request), open=True)
        self.case.assertEqual(self.up(len(request)), request)

    def answer(self, response, open=None):
        self.tenant.sendall(response)
        self.grant(0, len(response), TELL_DOWN, open)
        self.case.assertEqual(self.down(len(response)), response)

    def answered(self, response):
        """And it is over."""
        self.answer(response, open=False)
        self.told()


class Hands:
    """A relay that does all by itself, as far as bytes go: moves what is
    granted and says so."""

    def __init__(self, connection):
        self.it = connection
        self.left = {'up': 0, 'down': 0}
        self.tells = 0
        self.ended = 0
        self.moved = {'up': 0, 'down': 0}

    up = property(lambda self: self.moved['up'])
    down = property(lambda self: self.moved['down'])

    def _move(self, way, source, target):
        try:
            data = source.recv(min(self.left[way], 65536))
        except BlockingIOError:
            return False
        target.sendall(data)
        self.left[way] -= len(data)
        self.moved[way] += len(data)
        return bool(data)

    def turn(self):
        """One look at everything; gives whether something was done."""
        it, http = self.it, self.it.http
        http.listen()
        done = False
        for grant in http.heard.pop(it.id, []):
            it.serial = grant.serial
            self.left['up'] += grant.up
            self.left['down'] += grant.down
            self.tells |= grant.flags & (TELL_UP | TELL_DOWN)
            self.ended |= grant.flags & (FINISH | LAST | WARY | TUNNEL
                                          | CUT)
            done = True
        it.accepted.setblocking(False)
        if it.backend is not None:
            it.backend.setblocking(False)
        if self.left['up']:
            done |= self._move('up', it.accepted, it.backend)
        if self.left['down']:
            done |= self._move('down', it.backend, it.accepted)
        told = 0
        for way, flag in (('up', TELL_UP), ('down', TELL_DOWN)):
            if self.tells & flag and not self.left[way]:
                told |= flag
        if told:
            self.tells &= ~told
            with contextlib.suppress(BrokenPipeError):
                it.told(self.left['up'], self.left['up'], self.left['down'])
            done = True
        return done

    def run(self, until, seconds=10):
        end = time.monotonic() + seconds
        while not until():
            if time.monotonic() > end:
                raise AssertionError(f'{self.left} left')
            if not self.turn():
                time.sleep(0.0005)


def broken(client):
    """A close of it is a reset."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                      struct.pack('ii', 1, 0))
    client.close()


class Case(harness.Case):
    def setUp(self):
        super().setUp()
        self.http = Http(self)

    def first(self, *request, **what):
        return self.http.connection().first(*request, **what)

    def kept(self):
        """One whose first exchange is over."""
        it = self.first()
        it.answered(OK)
        return it

    def usable(self, it):
        """One more exchange, with the same backend."""
        it.again()
        it.answered(OK)
