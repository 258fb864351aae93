# SPDX-License-Identifier: ISC
"""HTTP/1.1 as the tests of kept-alive connections speak it: a client that
tells one response from the next, and tenants that keep what they were sent.

The reading here is plain and trusting: it judges nothing, and what it is fed
by usherd is compared with what was sent, byte for byte.
"""
import collections
import contextlib
import socket
import threading
import time

import wire

Request = collections.namedtuple('Request', 'method path host fields body')
Answer = collections.namedtuple('Answer', 'status fields body')


class End(Exception):
    """The connection has ended in the middle of something."""


class Reader:
    """Takes a connection apart; raw is all that it was sent."""

    def __init__(self, connection):
        self.socket = connection
        self.raw = bytearray()
        self.at = 0

    def more(self):
        try:
            piece = self.socket.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            piece = b''
        if not piece:
            raise End(bytes(self.raw[self.at:]))
        self.raw += piece

    def exactly(self, n):
        while len(self.raw) - self.at < n:
            self.more()
        self.at += n
        return bytes(self.raw[self.at - n:self.at])

    def line(self, mark=b'\r\n'):
        """What stands before mark."""
        start = self.at
        while (end := self.raw.find(mark, start)) == -1:
            start = max(self.at, len(self.raw) - len(mark) + 1)
            self.more()
        text = bytes(self.raw[self.at:end])
        self.at = end + len(mark)
        return text

    def head(self):
        """The first line in words, and the fields by lower-case name."""
        while not (text := self.line(b'\r\n\r\n').lstrip(b'\r\n')):
            pass                # empty lines before it
        lines = text.split(b'\r\n')
        fields = {}
        for each in lines[1:]:
            name, _, value = each.decode('latin-1').partition(':')
            fields[name.strip().lower()] = value.strip()
        return lines[0].decode('latin-1').split(' ', 2), fields

    def chunked(self):
        body = b''
        while size := int(self.line().split(b';')[0], 16):
            body += self.exactly(size)
            self.exactly(2)
        while self.line():
            pass                # a trailer
        return body

    def framed(self, fields):
        """The body that the fields announce, or None."""
        if fields.get('transfer-encoding', '').lower() == 'chunked':
            return self.chunked()
        if 'content-length' in fields:
            return self.exactly(int(fields['content-length']))
        return None

    def request(self):
        words, fields = self.head()
        return Request(words[0], words[1], fields.get('host'), fields,
                       self.framed(fields) or b'')

    def rest(self):
        """Everything up to the end."""
        with contextlib.suppress(End):
            while True:
                self.more()
        data = bytes(self.raw[self.at:])
        self.at = len(self.raw)
        return data

    def answer(self, method='GET'):
        """The next response but 1xx."""
        while True:
            words, fields = self.head()
            status = int(words[1])
            if status == 101 or status >= 200:
                break
        if method == 'HEAD' or status in (101, 204, 304):
            return Answer(status, fields, b'')
        body = self.framed(fields)
        return Answer(status, fields, self.rest() if body is None else body)


class Talker(Reader):
    """A client of usherd that keeps its connection."""

    def __init__(self, port, seconds=20):
        super().__init__(wire.connect(port, seconds))
        self.port = self.socket.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *data):
        self.socket.sendall(b''.join(data))

    def drip(self, data, pause, size=1):
        """Sends size bytes at a time."""
        for at in range(0, len(data), size):
            self.socket.sendall(data[at:at + size])
            time.sleep(pause)

    def ask(self, data, method='GET'):
        self.send(data)
        return self.answer(method)

    def half_close(self):
        """Ends its own direction, unless all has ended already."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def quiet(self, seconds=0.3):
        """Does nothing come, not even an end, for so long?"""
        before = self.socket.gettimeout()
        self.socket.settimeout(seconds)
        try:
            self.more()
            return False
        except TimeoutError:
            return True
        except End:
            return False
        finally:
            self.socket.settimeout(before)

    def ended(self):
        """Does the end come next, and nothing before it?"""
        return self.rest() == b''


def chunked(*pieces, trailers=(), extension=b''):
    """A chunked body."""
    lines = [b'%x%s\r\n%s\r\n' % (len(piece), extension, piece)
             for piece in pieces if piece]
    return b''.join(lines) + b'0\r\n' + b''.join(
        each.encode('latin-1') + b'\r\n' for each in trailers) + b'\r\n'


def request(host, path='/', *fields, method=None, body=None, chunks=None,
            version='1.1'):
    """The bytes of a request; body with its length, chunks chunked."""
    fields, data = list(fields), b''
    if body is not None:
        fields.append(f'Content-Length: {len(body)}')
        data = body
    elif chunks is not None:
        fields.append('Transfer-Encoding: chunked')
        data = chunked(*chunks)
    if method is None:
        method = 'POST' if data else 'GET'
    return wire.head(host, *fields,
                     line=f'{method} {path} HTTP/{version}') + data


def response(body=b'', *fields, status='200 OK'):
    if isinstance(body, str):
        body = body.encode()
    lines = [f'HTTP/1.1 {status}', f'Content-Length: {len(body)}', *fields]
    return '\r\n'.join([*lines, '', '']).encode('latin-1') + body


class Visit:
    """One connection as a tenant saw it."""

    def __init__(self, reader):
        self.reader = reader
        self.requests = []
        self.ended = False      # the client has ended its direction
        self.left = False       # the tenant has
        self.last = False       # set by answer(): close behind this one

    @property
    def raw(self):
        return bytes(self.reader.raw)


class Keeper:
    """serve() of a tenant that keeps its connections and what it received.

    answer(request, visit) gives the bytes of a response, or None to close
    without one; it may close after the first `most` responses.
    """

    def __init__(self, answer=None, most=None):
        self.answer = answer or (lambda asked, _: response(
            f'{asked.method} {asked.host} {asked.path}'))
        self.most = most
        self.lock = threading.Lock()
        self.visits = []

    def __call__(self, connection):
        visit = Visit(Reader(connection))
        with self.lock:
            self.visits.append(visit)
        try:
            while self.most is None or len(visit.requests) < self.most:
                asked = visit.reader.request()
                visit.requests.append(asked)
                said = self.answer(asked, visit)
                if said is None:
                    return
                connection.sendall(said)
                if visit.last:
                    return
        except End:
            visit.ended = True
        finally:
            visit.left = True

    @property
    def requests(self):
        """All, connection by connection."""
        return [each for visit in list(self.visits)
                for each in visit.requests]

    @property
    def raw(self):
        return b''.join(visit.raw for visit in list(self.visits))


def together(*calls, seconds=60):
    """Runs the calls at once; gives what they gave, raises what they
    raised."""
    results = [None] * len(calls)

    def one(i):
        try:
            results[i] = calls[i]()
        except Exception as error:  # told below, in the test's own thread
            results[i] = error
    threads = [threading.Thread(target=one, args=(i,), daemon=True)
               for i in range(len(calls))]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0, end - time.monotonic()))
    if any(thread.is_alive() for thread in threads):
        raise AssertionError(f'not done within {seconds} s')
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results
