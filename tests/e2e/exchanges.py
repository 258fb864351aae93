# SPDX-License-Identifier: ISC
"""What the tests of HTTP exchanges share: tenants whose every byte and pause
is written in the test, and a client that keeps its connection."""
import contextlib
import socket
import threading
import time

import harness
from talker import End, Keeper, Reader, Talker, response, together

HOLD = 30               # seconds that a tenant stays when it has said all


class Actor:
    """serve() of a tenant that does what play(reader) says, once for each
    connection, and closes when that returns; what it was sent is kept."""

    def __init__(self, play):
        self.play = play
        self.lock = threading.Lock()
        self.readers = []
        self.done = 0           # how many have come to their end

    def __call__(self, connection):
        reader = Reader(connection)
        with self.lock:
            self.readers.append(reader)
        try:
            with contextlib.suppress(End, OSError):
                self.play(reader)
        finally:
            self.done += 1

    @property
    def raws(self):
        """What each connection brought."""
        return [bytes(reader.raw) for reader in list(self.readers)]

    @property
    def raw(self):
        return b''.join(self.raws)


def says(*pieces, pause=0.0, hold=True):
    """play() of one who reads a request, sends the pieces with a pause
    between, and then stays until the other side ends, or closes."""
    def play(reader):
        reader.request()
        for i, piece in enumerate(pieces):
            time.sleep(pause if i else 0)
            reader.socket.sendall(piece)
        if hold:
            stay(reader)
    return play


def stay(reader, seconds=HOLD):
    """Reads until the other side ends; raises End then."""
    reader.socket.settimeout(seconds)
    while True:
        reader.more()


def named(asked, _):
    return response(f'{asked.host} {asked.path}')


class Case(harness.Case):
    """usherd for HTTP alone, and an honest b.example."""

    def setUp(self):
        super().setUp()
        self.b = self.keep('b.example')
        self.daemon = self.usherd('-j', '1', tls=0)

    def keep(self, name, answer=named, most=None):
        keeper = Keeper(answer, most)
        self.tenant(self.host(name) / 'http-socket', keeper)
        return keeper

    def act(self, name, play):
        """A tenant that plays; the same name may be given a new one."""
        actor = Actor(play)
        self.tenant(self.host(name) / 'http-socket', actor)
        return actor

    def talk(self, seconds=10):
        talker = Talker(self.daemon.http, seconds)
        self.addCleanup(talker.socket.close)
        return talker

    def good(self, talker, name, path='/', method='GET'):
        """The next response is that of an honest tenant."""
        answer = talker.answer(method)
        self.assertEqual((answer.status, answer.body),
                         (200, f'{name} {path}'.encode()))

    def refusals(self):
        return [line for line in self.daemon.said().splitlines()
                if ' refused http ' in f' {line}']


def each(*calls, seconds=60):
    """Like together(), but tells of all that went wrong; a call is a function,
    or one and its arguments."""
    def one(call):
        function, *arguments = call if isinstance(call, tuple) else (call,)
        try:
            function(*arguments)
        except Exception as error:  # told below
            return (getattr(function, '__name__', function),
                    str(arguments)[:200], repr(error)[:300])
        return None
    told = [told for told in together(*(lambda call=call: one(call)
                                        for call in calls), seconds=seconds)
            if told]
    if told:
        raise AssertionError('\n'.join(map(str, told)))


def small_window(port, seconds=60, size=65536):
    """A client whose system takes in little that it does not read."""
    talker = Talker.__new__(Talker)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
    connection.settimeout(seconds)
    connection.connect(('127.0.0.1', port))
    Reader.__init__(talker, connection)
    talker.port = connection.getsockname()[1]
    return talker
